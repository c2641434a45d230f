"""Fills the bookshop with rows: decimals, other scripts, and columns without a value."""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

from django.contrib.auth.models import User

from authors.models import Author
from ledger.models import Entry
from loyalty.models import Points
from members.models import Member
from newsletter.models import Subscriber
from orders.models import Order, OrderLine
from reviews.models import Review
from stock.models import Item
from store.models import Product
from suppliers.models import Supplier
from vouchers.models import Campaign, Voucher

BOOKS = [
    ("Middlemarch", "12.99"),
    ("Der Zauberberg", "24.00"),
    ("À la recherche du temps perdu", "189.50"),
    ("Преступление и наказание", "9.95"),
    ("源氏物語", "45.20"),
    ("أولاد حارتنا", None),
    ("Pippi Långstrump", "7.50"),
    ("100% Maths [2nd edition]", "31.05"),
    ("O'Reilly's \"Quotes\"", "0.99"),
    ("Beowulf 📖", None),
    ("Ο Καπετάν Μιχάλης", "14.10"),
    ("Encyclopædia, all volumes", "8450.00"),
]
AUTHORS = [
    ("George Eliot", "Born Mary Ann Evans.", date(1819, 11, 22)),
    ("Thomas Mann", "", date(1875, 6, 6)),
    ("Marcel Proust", "Wrote in bed.", date(1871, 7, 10)),
    ("Фёдор Достоевский", "", None),
    ("紫式部", "Her real name is not known.", None),
]
NAMES = ["Ada", "Björn", "Chloé", "Dmitri", "Émile", "Fatima", "Giulia", "Hồng"]


def fill():
    """Create the rows of every app. Every migration must be applied, on both databases."""
    products = fill_store()
    fill_orders(products)
    fill_people()
    fill_small_apps(products)
    fill_ledger()


def fill_store():
    """Create the books, what is on the shelves, and who wrote and reviewed them."""
    for number, (name, price) in enumerate(BOOKS):
        Product.objects.create(
            name=name,
            isbn="978-0-00-%06d" % number,
            price=None if price is None else Decimal(price),
            discount=Decimal("12.50") if number % 4 == 0 else Decimal(0),
        )
    products = list(Product.objects.order_by("pk"))
    for number, (name, biography, born) in enumerate(AUTHORS):
        author = Author.objects.create(name=name, biography=biography, born=born)
        author.books.add(products[number])
    Item.objects.bulk_create(
        Item(
            product=product,
            shelf="%s%d" % ("ABC"[number % 3], number),
            copies=number % 5,
            room="ABC"[number % 3],
        )
        for number, product in enumerate(products)
    )
    Review.objects.bulk_create(
        Review(
            product=product,
            text="Read it twice.",
            stars=1 + number % 5,
            headline="" if number % 3 else "Fine",
        )
        for number, product in enumerate(products)
    )
    return products


def fill_orders(products):
    """Create a few orders of two lines each, some of them served by a clerk."""
    clerk = User.objects.create_user("clerk")
    opened = datetime(2024, 3, 1, 9, 30, tzinfo=timezone.utc)
    for number, name in enumerate(NAMES):
        order = Order.objects.create(
            customer=name,
            clerk=clerk if number % 2 else None,
            placed_at=opened + timedelta(days=number),
            note="" if number % 3 else "Gift wrap, please – für Oma",
        )
        for product in (products[number], products[-1 - number]):
            if product.price is not None:
                OrderLine.objects.create(
                    order=order, product=product, copies=1 + number % 2, paid=product.price
                )


def fill_people():
    """Create members with their points, and the newsletter's subscribers."""
    for number, name in enumerate(NAMES):
        member = Member.objects.create(name=name, email="reader%d@example.com" % number)
        Points.objects.create(member=member, amount=100, reason="welcome")
        Points.objects.create(member=member, amount=5 * number, reason="bought")
        Subscriber.objects.create(email=member.email, confirmed=bool(number % 4))


def fill_small_apps(products):
    """Create vouchers, campaigns and suppliers."""
    Campaign.objects.create(name="Book day")
    for number in range(5):
        Voucher.objects.create(code="BOOK-%03d" % number, value=Decimal("2.50") * (number + 1))
    Supplier.objects.create(name="Penmaker & Sons", country="GB")
    Supplier.objects.create(name="Büchergroßhandel", country="DE", fax="+49 30 901820")


def fill_ledger():
    """Create the entries of the second database."""
    for year in range(2019, 2025):
        Entry.objects.create(
            year=year, title="Sales", amount=Decimal("10250.40") * (year - 2017), checked=year < 2023
        )
