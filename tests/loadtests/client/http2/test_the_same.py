"""What holds for the client over HTTP/1.1 and says nothing of how that is written holds over HTTP/2."""

from tests.loadtests.client.test_http1_client import (
    test_a_body_is_sent_as_json_with_the_request_s_own_headers,
    test_a_header_that_http_cannot_say_is_an_outcome_and_sends_nothing,
    test_a_json_reply_comes_whole,
    test_a_path_of_the_base_address_comes_before_every_path,
    test_a_path_that_http_cannot_say_is_an_outcome_and_sends_nothing,
    test_a_refusal_that_a_healthy_shop_gives_is_no_error,
    test_a_refused_connection_is_an_outcome,
    test_a_silent_shop_is_given_up_at_the_deadline,
    test_a_status_that_is_not_accepted_is_told_by_its_kind,
    test_closing_twice_is_harmless,
    test_cookies_are_kept_renewed_and_sent_back,
    test_one_connection_serves_a_shopper_s_whole_visit,
    test_someone_else_s_timeout_is_not_the_request_s,
    test_two_shoppers_share_neither_connection_nor_cookies,
    test_what_this_machine_lacks_is_not_the_shops_error,
)

__all__ = [
    "test_a_body_is_sent_as_json_with_the_request_s_own_headers",
    "test_a_header_that_http_cannot_say_is_an_outcome_and_sends_nothing",
    "test_a_json_reply_comes_whole",
    "test_a_path_of_the_base_address_comes_before_every_path",
    "test_a_path_that_http_cannot_say_is_an_outcome_and_sends_nothing",
    "test_a_refusal_that_a_healthy_shop_gives_is_no_error",
    "test_a_refused_connection_is_an_outcome",
    "test_a_silent_shop_is_given_up_at_the_deadline",
    "test_a_status_that_is_not_accepted_is_told_by_its_kind",
    "test_closing_twice_is_harmless",
    "test_cookies_are_kept_renewed_and_sent_back",
    "test_one_connection_serves_a_shopper_s_whole_visit",
    "test_someone_else_s_timeout_is_not_the_request_s",
    "test_two_shoppers_share_neither_connection_nor_cookies",
    "test_what_this_machine_lacks_is_not_the_shops_error",
]
