"""Where a database really is: by what its driver is given, and not by HOST and PORT alone."""

import configparser
import ipaddress
import os
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

_PORTS = {"postgresql": "5432", "mysql": "3306"}
#: Hosts without a name: what the driver connects to if it is not told.
_NOT_TOLD = {"postgresql": "localhost" if os.name == "nt" else "", "mysql": "localhost"}


class Place(NamedTuple):
    """A host, an address or the path of a socket, and the port; `certain` if it is what is connected to."""

    host: str
    port: str = ""
    certain: bool = True

    def __str__(self) -> str:
        """Name it as the project's page does."""
        return self.host + (":" + self.port if self.port else "")


def places_of(connection: Any) -> List[Place]:
    """Return every place that the driver may connect to, the one to be shown first; at least one."""
    given = connection.settings_dict
    told = Place(str(given.get("HOST") or ""), str(given.get("PORT") or ""))
    if connection.vendor not in _PORTS:  # a driver whose other ways to name a server are not known
        return [told._replace(certain=bool(told.host))]
    try:
        params = connection.get_connection_params()
    except Exception:  # noqa: BLE001 -- wrong settings, or a backend that asks others for a password
        return [told._replace(certain=False)]
    if connection.vendor == "mysql":
        return _of_mysql(params, getattr(connection.Database, "__name__", "") == "pymysql")
    return _of_postgresql(params)


def is_local(vendor: str, place: Place, local_hosts: Sequence[str]) -> bool:
    """Return whether this is a developer's own database.

    A loopback port that is not the vendor's own may be a tunnel to a server far away, and a socket of a
    cloud's proxy is one. What cannot be told is not local, unless the user names it in `local_hosts`.
    """
    if place.host and place.host in local_hosts:
        return True
    if not place.certain:
        return False
    host = place.host or _NOT_TOLD.get(vendor, "")
    if not host or host.startswith("/"):
        return ":" not in host and "cloudsql" not in host.split("/")
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if loopback:
        return place.port in {"", _PORTS.get(vendor, "")}
    return not set(host) & set(".:@") and _in_container()


def _in_container() -> bool:
    return os.path.exists("/.dockerenv") or os.path.exists("/run/.containerenv")


def _of_postgresql(params: Dict[str, Any]) -> List[Place]:
    """Return where libpq connects to: it takes from the environment what it is not given."""

    def value(name: str) -> str:
        found = params.get(name)
        return str(os.environ.get("PG" + name.upper(), "") if found is None else found)

    hosts = (value("hostaddr") or value("host")).split(",")
    ports = value("port").split(",")
    if len(ports) != len(hosts):
        ports = ports[:1] * len(hosts)
    found = [Place(host.strip(), port.strip()) for host, port in zip(hosts, ports)]
    elsewhere = value("service") or params.get("dsn") or params.get("conninfo")
    if elsewhere:  # a service may name an address even where the host is given; its name alone tells nothing
        found.insert(0, Place(value("service") or found[0].host, certain=False))
    return found


def _of_mysql(params: Dict[str, Any], pymysql: bool) -> List[Place]:
    """Return where a driver of MySQL connects to: option files say what it is not given."""
    given = {"host": params.get("host"), "port": params.get("port"), "socket": params.get("unix_socket")}
    told = {key: str(value) for key, value in given.items() if value}
    if not pymysql:  # libmysqlclient and MariaDB's library have these two
        for key, name in (("port", "MYSQL_TCP_PORT"), ("socket", "MYSQL_UNIX_PORT")):
            if os.environ.get(name):
                told.setdefault(key, os.environ[name])
    path, group = params.get("read_default_file"), params.get("read_default_group")
    if not path and not group:
        return _endpoints(told)
    sections = _sections(str(path), str(group or "client")) if path else None
    if sections is None:
        host = told.get("host") or str(path or group)
        return [Place(host, told.get("port", "") if "host" in told else "", certain=False)]
    return [place for section in sections for place in _endpoints({**section, **told})]


def _endpoints(options: Dict[str, str]) -> List[Place]:
    """Return where these options lead to. With both a socket and a host the drivers do not agree."""
    found = []
    host, socket = options.get("host", ""), options.get("socket", "")
    if socket:
        found.append(Place(os.path.abspath(socket)))
    if not socket or host not in {"", "localhost"}:
        found.append(Place(host, options.get("port", "")))
    return found


def _sections(path: str, group: str) -> Optional[List[Dict[str, str]]]:
    """Return what an option file says, the group first; None if that cannot be told."""
    parser = configparser.RawConfigParser(
        allow_no_value=True, strict=False, inline_comment_prefixes=("#",), default_section=""
    )
    try:
        with open(os.path.expanduser(path), encoding="utf-8") as file:
            text = file.read()
        parser.read_string(text)
    except (OSError, ValueError, configparser.Error):
        return None
    if any(line.lstrip().startswith("!") for line in text.splitlines()):  # it includes others
        return None
    names = [name for name in parser.sections() if name == group or name.startswith("client")]
    names.sort(key=lambda name: name != group)
    return [
        {key: value.strip().strip("'\"") for key, value in parser.items(name) if value} for name in names
    ] or [{}]
