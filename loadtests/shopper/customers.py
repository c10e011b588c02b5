"""New customers: data to register with that no session of any run has used before."""

import hashlib

COLUMNS = (
    *("user", "password", "email", "first_name", "last_name", "phone"),
    *("street", "city", "postcode", "country", "unique"),
)
_FIRST = ("Ada", "Ben", "Cleo", "Dan", "Ella", "Finn", "Grace", "Hugo", "Iris", "Jack", "Kate", "Liam", "Mia", "Noah")
_LAST = ("Archer", "Baker", "Carter", "Dyer", "Fletcher", "Glover", "Hooper", "Mason", "Naylor", "Potter", "Tailor")
_STREETS = ("Church Lane", "High Street", "Mill Road", "Orchard Way", "Station Road", "Victoria Street", "York Place")


def new_customer(run: str, session: int) -> tuple[str, ...]:
    """Return the data of the new customer in session `session` of the run named `run`, in the order of `COLUMNS`.

    The address for mail is below example.com, which belongs to nobody (RFC 2606, 3). The phone is one of the thousand
    numbers that Ofcom keeps for drama, so it is unique in no run of more. `unique` holds what makes all of it unique.
    """
    digest = hashlib.blake2b(f"{run}\0{session}".encode(), digest_size=12).digest()
    unique = f"{hashlib.blake2b(run.encode(), digest_size=6).hexdigest()}{session}"
    number = int.from_bytes(digest[:8])
    first, last = _FIRST[number % len(_FIRST)], _LAST[number // 101 % len(_LAST)]
    email = f"{first}.{last}.{unique}@example.com".lower()
    street = f"{1 + session % 9999} {_STREETS[number // 10_007 % len(_STREETS)]}"
    password = f"Pp1-{digest.hex()}"
    phone = f"+447700900{session % 1000:03}"
    return email, password, email, first, last, phone, street, "London", "SW1A 1AA", "GB", unique
