"""The admin interface to coupons, gift cards and drops."""

from dataclasses import asdict

from flask import Flask, Response, jsonify

from staging.shop.offers.vouchers import Kind, Voucher, set_vouchers, vouchers_page
from staging.shop.payloads import CouponBody, DropBody, GiftCardBody, VouchersBody
from staging.shop.storefront import Storefront
from staging.web import not_found, read_body, read_page


def add_offers_administration(app: Flask, shop: Storefront) -> None:
    """Add the pages to the admin application."""

    @app.put("/admin/vouchers")
    def put_vouchers() -> Response:
        return jsonify(set=set_vouchers(shop.database, [_voucher(one) for one in read_body(VouchersBody).vouchers]))

    @app.get("/admin/vouchers")
    def list_vouchers() -> Response:
        page, following = vouchers_page(shop.database, *read_page())
        return jsonify(vouchers=[asdict(one) for one in page], next=following)

    @app.put("/admin/drops")
    def put_drop() -> Response:
        drop = shop.catalogue.drop
        if drop is None:
            raise not_found("no drop: --drop-stock declares one")
        opens_at = read_body(DropBody).opens_at
        shop.drops.open_at(drop.style, opens_at)
        return jsonify(style=drop.style, opens_at=opens_at)


def _voucher(body: CouponBody | GiftCardBody) -> Voucher:
    if isinstance(body, CouponBody):
        return Voucher(code=body.code, kind=Kind.COUPON, percent=body.percent, cents=0, uses_left=body.uses)
    return Voucher(code=body.code, kind=Kind.GIFT_CARD, percent=0, cents=body.cents, uses_left=1)
