"""The contestants beside us that are Python: a bare SSH connection, netmiko, nornir with netmiko.

All of them write the same lines and save the configuration. Each takes a :class:`Job` and returns how long parts of it
took. Nothing but the work is in the function: imports and files come before, in the function that makes it.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import paramiko
import yaml

from benchmarks.switch_job import Job
from benchmarks.switch_scenarios import lines

Work = Callable[[], Mapping[str, float]]
Contestant = Callable[[Job], Work]
_SAVE = "write memory"


def bare(job: Job) -> Work:
    """The floor: paramiko connects (without Nagle's delay), opens a shell, writes everything at once, reads to the last
    prompt. Nothing is read before, nothing is checked after."""
    text = "\n".join(["terminal length 0", "configure terminal", *lines(job.scenario), "end", _SAVE, ""]).encode()
    password = job.password
    known = dict(paramiko.HostKeys(job.known_hosts).items())

    def one(name: str, address: str) -> None:
        sock = socket.create_connection((address, job.port), 10)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        host = f"[{address}]:{job.port}"
        for kind, key in known[host].items():
            client.get_host_keys().add(host, kind, key)
        client.connect(
            address, job.port, job.user, password, sock=sock, allow_agent=False, look_for_keys=False, timeout=30
        )
        try:
            shell = client.invoke_shell(width=511)
            shell.settimeout(60)
            shell.sendall(text)
            done = re.compile(rb"\[OK\]\s+" + name.encode() + rb"#$")
            received = b""
            while not done.search(received[-80:]):
                received += shell.recv(65536)
        finally:
            client.close()

    return lambda: _everywhere(job, one)


def netmiko_default(job: Job) -> Work:
    """``send_config_set`` and ``save_config`` as the documentation shows them, on so many threads."""
    connect, password, said = _connect_handler(), job.password, lines(job.scenario)

    def one(_: str, address: str) -> None:
        with connect(**_device(job, address, password)) as connection:
            connection.send_config_set(said)
            connection.save_config()

    return lambda: _everywhere(job, one)


def netmiko_one_write(job: Job) -> Work:
    """netmiko's connection, but all lines in one write."""
    connect, password = _connect_handler(), job.password
    text = "\n".join(["configure terminal", *lines(job.scenario), "end", _SAVE, ""])

    def one(name: str, address: str) -> None:
        with connect(**_device(job, address, password)) as connection:
            connection.write_channel(text)
            connection.read_until_pattern(rf"\[OK\]\s+{name}#", read_timeout=60)

    return lambda: _everywhere(job, one)


def nornir_netmiko(job: Job) -> Work:
    """nornir's threaded runner with nornir-netmiko's tasks: send_config, save_config."""
    try:
        from nornir import InitNornir  # noqa: PLC0415  (an extra of the benchmarks)
    except ModuleNotFoundError as exc:
        raise SystemExit("nornir is not installed; `.venv/bin/pip install -e '.[benchmarks]'` brings it") from exc
    from nornir_netmiko.tasks import netmiko_save_config, netmiko_send_config  # noqa: PLC0415

    folder, said = Path(job.folder), lines(job.scenario)
    hosts = {
        name: {"hostname": address, "port": job.port, "username": job.user, "password": job.password}
        | {"platform": "cisco_ios"}
        for name, address in job.addresses.items()
    }
    (folder / "hosts.yaml").write_text(yaml.safe_dump(hosts), encoding="utf-8")
    nornir = InitNornir(
        runner={"plugin": "threaded", "options": {"num_workers": job.scenario.workers}},
        inventory={"plugin": "SimpleInventory", "options": {"host_file": str(folder / "hosts.yaml")}},
        logging={"enabled": False},
    )

    def deploy(task: Any) -> None:
        task.run(netmiko_send_config, config_commands=said)
        task.run(netmiko_save_config)
        task.host.close_connections()

    def work() -> Mapping[str, float]:
        result = nornir.run(task=deploy)
        if result.failed:
            name, first = next(iter(result.failed_hosts.items()))
            raise SystemExit(f"nornir: {len(result.failed_hosts)} switches failed; {name}: {first[0].exception!r}")
        return {}

    return work


def _everywhere(job: Job, one: Callable[[str, str], None]) -> Mapping[str, float]:
    with ThreadPoolExecutor(min(len(job.addresses), job.scenario.workers)) as workers:
        list(workers.map(one, job.addresses.keys(), job.addresses.values()))
    return {}


def _connect_handler() -> Any:
    from netmiko import ConnectHandler  # noqa: PLC0415  (slow to import)

    return ConnectHandler


def _device(job: Job, address: str, password: str) -> dict[str, Any]:
    return {"device_type": "cisco_ios", "host": address, "port": job.port, "username": job.user, "password": password}
