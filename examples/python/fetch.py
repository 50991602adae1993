"""
Prints the total of each shop: reads all pages of its list, `GET /items?page=N`, and posts the sum of the prices.

    node examples/python/run.js fetch.py http://localhost:8000 http://localhost:8001
"""

import sys

from session import HTTPError, Session


def total_of(session, shop):
    total, page = 0, 1
    while page is not None:
        response = session.get(f"{shop}/items", params={"page": page})
        response.raise_for_status()
        listed = response.json()
        total += sum(item["price"] for item in listed["items"])
        page = listed["next"]
    return total


with Session(timeout=10) as session:
    for shop in sys.argv[1:]:
        try:
            total = total_of(session, shop)
            answer = session.post(f"{shop}/totals", json={"total": total})
            answer.raise_for_status()
            print(shop, answer.text)
        except (HTTPError, OSError) as error:
            print(shop, type(error).__name__, error)
