"""Ports come from one table, and one that is taken is told with its user and the flag that helps."""

import socket

import pytest

from scripts.local_stack.ports import Ports
from scripts.local_stack.shop import used_ports
from slo.outcomes import EnvironmentLacks
from tests.ports import free_port


def test_no_two_of_ours_share_a_port() -> None:
    ports = Ports(base=30_000)
    own = [ports.recorder, ports.exporters, ports.prometheus, ports.locust, *used_ports(ports).values()]
    assert len(set(own)) == len(own)
    assert (min(own), max(own)) == (30_000, 30_011)


def test_a_taken_port_is_told_with_its_user_and_the_flag_that_helps() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        base = other.getsockname()[1]
        with pytest.raises(EnvironmentLacks) as lacks:
            Ports(base=base).check_free({"front": base, "payments": free_port()})
    assert str(lacks.value) == (
        f"port {base} (front) is taken on 127.0.0.1; end what listens there or choose others"
        f" with --port-base, such as --port-base {base + 100}"
    )


def test_every_taken_port_is_told_at_once() -> None:
    with socket.socket() as one, socket.socket() as two:
        for other in (one, two):
            other.bind(("127.0.0.1", 0))
            other.listen()
        first, second = one.getsockname()[1], two.getsockname()[1]
        with pytest.raises(EnvironmentLacks, match=rf"^port {first} \(front\), {second} \(Prometheus\) is taken"):
            Ports(base=64_950).check_free({"front": first, "Prometheus": second})


def test_the_other_base_that_is_proposed_is_a_port() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(EnvironmentLacks, match=r"such as --port-base 18080$"):
            Ports(base=64_950).check_free({"front": other.getsockname()[1]})


def test_a_port_that_a_closed_connection_still_holds_is_free() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)) as server, socket.create_connection(("127.0.0.1", port)) as client:
        answered, _ = server.accept()
        answered.close()  # the side that closes first keeps the port in TIME_WAIT
        assert client.recv(1) == b""
    Ports(base=port).check_free({"front": port})
