"""Photos behind addresses: a web server and a server of S3 on loopback, and their faults."""

import datetime as dt
import gzip
import io
import logging
import ssl
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archives import tar_of, zip_of
from entries import read_entries
from faulty_server import FaultyServer, serving
from hypothesis import given
from hypothesis import strategies as st

from biqa_cli.errors import DependencyError, ImageError, UsageError
from biqa_cli.sources import addresses, clients, fetching, listing
from biqa_cli.sources.choice import Choice
from biqa_cli.sources.entry import Entry
from biqa_cli.sources.finding import find_photos, photo_named
from biqa_cli.sources.reasons import reason_of

pytest.importorskip("s3fs", reason="needs the extra [remote]")
ThreadedMotoServer = pytest.importorskip("moto.server").ThreadedMotoServer

# The server of S3 alone takes seconds to import.
pytestmark = pytest.mark.slow

PHOTOS = {f"p/{name}.jpg": name.encode() * 40 for name in ("a", "b", "in/c")}
ODD = ("/lead.jpg", "a//b.jpg", "a/c.jpg", "what?.jpg", "a*b.jpg", "[1]x/d.jpg")
FAULTS = ("busy-2", "cut-2", "busy-99", "cut-99", "slow")


@pytest.fixture(scope="module")
def web() -> Iterator[FaultyServer]:
    files = {**PHOTOS, **{f"{fault}.jpg": b"x" * 100 for fault in FAULTS}}
    files |= {
        "a.tar": tar_of(PHOTOS),
        "a.zip": zip_of(PHOTOS),
        "whole.zip": zip_of(PHOTOS),
        "whole.tar": tar_of(PHOTOS),
        "plain.zip": zip_of(PHOTOS),
        # More than what a client asks for at a time.
        "plain.tar": tar_of({"notes.txt": bytes(6 << 20), **PHOTOS}),
        "plain.parquet": b"PAR1",
    }
    files |= {
        "cut-2.tar": tar_of(PHOTOS),
        "cut-99.tar": tar_of(PHOTOS),
        "cut-99.zip": zip_of(PHOTOS),
        "busy-2.zip": zip_of(PHOTOS),
    }
    files |= dict.fromkeys(("dribble.tar", "dribble-whole.tar"), tar_of(PHOTOS))
    files |= {"dribble.zip": zip_of(dict.fromkeys(map(str, range(99)), b"x" * 100))}
    files |= {"packed.jpg": gzip.compress(bytes(64 << 20), 1)}
    with serving(lambda: FaultyServer(files)) as server:
        yield server


@pytest.fixture(scope="module")
def s3(web: FaultyServer) -> Iterator[FaultyServer]:  # noqa: ARG001
    """Return what stands before a server of S3 with a bucket."""
    import boto3

    moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    moto.start()
    port = moto.get_host_and_port()[1]
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="id",
        aws_secret_access_key="secret",
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="bucket")
    objects = {
        **PHOTOS,
        "a.tar": tar_of(PHOTOS),
        "a.zip": zip_of(PHOTOS),
        "p/notes.txt": b"x",
        "0.jpg": b"",
    }
    objects |= {f"{fault}.jpg": b"x" * 100 for fault in FAULTS}
    for name, content in objects.items():
        client.put_object(Bucket="bucket", Key=name, Body=content)
    buffer = io.BytesIO()
    pq.write_table(pa.table({"image": [b"x", b"y"]}), buffer)
    for name in ("year=2020/part-0.parquet", "part-1.parquet", "_temporary/part-2.parquet"):
        client.put_object(Bucket="bucket", Key=f"t.parquet/{name}", Body=buffer.getvalue())
    client.create_bucket(Bucket="odd")
    for name in ODD:
        client.put_object(Bucket="odd", Key=name, Body=name.encode())
    client.close()
    with serving(lambda: FaultyServer(behind=port)) as server:
        yield server
    moto.stop()


@pytest.fixture(autouse=True)
def impatient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a minute be ten seconds, where it is waited for two, and S3 be the server on loopback."""
    waits = any(name in request.node.name for name in ("slow", "99"))
    monkeypatch.setattr(clients, "_SECONDS", 2.0 if waits else 10.0)
    monkeypatch.setattr(clients, "PAUSES", (0.01, 0.01, 0.01))
    if "s3" in request.fixturenames:
        server: FaultyServer = request.getfixturevalue("s3")
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "verysecret")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def _web(server: FaultyServer, name: str, user: str = "") -> str:
    return f"http://{user}127.0.0.1:{server.port}/{name}"


def _told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.name.startswith("biqa_cli")]


def test_a_photo_of_a_web_server_is_read(web: FaultyServer) -> None:
    address = _web(web, "p/a.jpg")
    assert read_entries(address) == {address: PHOTOS["p/a.jpg"]}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gone.jpg", "no such file"),
        ("secret.jpg", "no permission to read it"),
        ("busy-99.jpg", "cannot be fetched: the server answers 503"),
        ("cut-99.jpg", "cannot be fetched: the connection fails"),
        ("slow.jpg", "cannot be fetched: the server is too slow"),
        ("loop.jpg", "cannot be fetched: the server redirects without end"),
    ],
)
def test_a_fault_of_a_web_server_is_a_row_without_its_secrets(
    web: FaultyServer, caplog: pytest.LogCaptureFixture, name: str, reason: str
) -> None:
    caplog.set_level(logging.INFO)
    address = _web(web, f"{name}?api_key=hush", user="me:hush@")
    (row, said), *_ = read_entries(address).items()
    assert said == reason
    assert f"/{name}?api_key=***" in row
    assert "hush" not in row + caplog.text


@pytest.mark.parametrize("name", ["busy-2.jpg", "cut-2.jpg"])
def test_what_goes_away_is_tried_again(web: FaultyServer, name: str) -> None:
    web.asked.clear()
    assert list(read_entries(_web(web, name)).values()) == [b"x" * 100]
    assert web.asked[name] == 3


def test_a_user_and_a_password_reach_the_server(web: FaultyServer) -> None:
    web.authorizations.clear()
    read_entries(_web(web, "p/a.jpg", user="me:pass@"))
    assert web.authorizations == ["Basic bWU6cGFzcw=="]


def test_a_body_without_end_is_left(web: FaultyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MOST_BYTES", 1 << 20)
    (said,) = read_entries(_web(web, "endless.jpg")).values()
    assert "MB at most" in str(said)


@pytest.mark.parametrize("name", ["a.tar", "a.zip", "whole.tar", "plain.tar"])
def test_an_archive_of_a_web_server_is_read(web: FaultyServer, name: str) -> None:
    address = _web(web, name)
    assert read_entries(address) == {f"{address}/{member}": PHOTOS[member] for member in PHOTOS}


@pytest.mark.parametrize("name", ["whole.zip", "plain.zip", "plain.parquet"])
def test_zip_and_parquet_need_a_server_that_sends_parts(web: FaultyServer, name: str) -> None:
    (said,) = read_entries(_web(web, name)).values()
    kind = "archive" if name.endswith("zip") else "table"
    assert said == f"the {kind} cannot be read: the server sends no parts of a file"


@pytest.mark.parametrize("name", ["cut-2.tar", "busy-2.zip"])
def test_a_part_of_an_archive_is_asked_for_again(web: FaultyServer, name: str) -> None:
    assert list(read_entries(_web(web, name)).values()) == list(PHOTOS.values())


@pytest.mark.parametrize("name", ["cut-99.tar", "cut-99.zip", "secret.tar", "gone.zip"])
def test_an_archive_that_cannot_be_had_is_a_row(web: FaultyServer, name: str) -> None:
    *_, last = read_entries(_web(web, name, user="me:hush@")).items()
    assert last[0] == _web(web, name) and isinstance(last[1], str)


def test_a_certificate_that_is_not_trusted_is_told(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_own_certificate(tmp_path))
    with serving(lambda: FaultyServer({"a.jpg": b"x"})) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        (said,) = read_entries(f"https://127.0.0.1:{server.port}/a.jpg").values()
        assert said == "cannot be fetched: the certificate of the server is not trusted"


def test_a_certificate_that_the_client_of_s3_does_not_trust_is_told() -> None:
    from botocore.exceptions import SSLError

    why = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate"
    said = reason_of(SSLError(endpoint_url="https://127.0.0.1", error=why))
    assert said == ("cannot be fetched: the certificate of the server is not trusted", True)


def _own_certificate(folder: Path) -> Path:
    """Return a file with a key and a certificate that it has signed itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    day = dt.timedelta(days=1)
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .sign(key, hashes.SHA256())
    )
    plain = (
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "own.pem"
    path.write_bytes(
        key.private_bytes(*plain) + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.mark.usefixtures("s3")
def test_an_object_without_content_is_empty() -> None:
    assert read_entries("s3://bucket/0.jpg") == {"s3://bucket/0.jpg": b""}


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize("name", ["s3://bucket", "s3://no such bucket/a.jpg"])
def test_what_cannot_be_asked_for_is_told_at_once(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "PAUSES", (60.0,))
    cell = photo_named(name)
    assert isinstance(cell, Entry)
    with pytest.raises(ImageError, match="is no address that can be asked for"):
        cell.read()


def test_an_archive_that_dribbles_is_left(
    web: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "_SECONDS", 0.5)
    monkeypatch.setattr(clients, "LEAST_BYTES", 1 << 24)
    # Read forwards, of which some photos may come in time, and part by part.
    for name in ("dribble-whole.tar", "dribble.tar", "dribble.zip"):
        *whole, (row, said) = read_entries(_web(web, name)).items()
        assert row == _web(web, name) and len(whole) < len(PHOTOS)
        assert str(said).endswith("cannot be fetched: the server is too slow")


def test_a_body_that_unpacks_without_end_is_left(
    web: FaultyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "MOST_BYTES", 1 << 20)
    tracemalloc.start()
    (said,) = read_entries(_web(web, "packed.jpg")).values()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "MB at most" in str(said)
    assert peak < 16 << 20


def test_a_server_that_is_not_there_is_a_row() -> None:
    (said,) = read_entries("http://127.0.0.1:9/a.jpg").values()
    assert said == "cannot be fetched: the connection fails"


@pytest.mark.usefixtures("s3")
def test_a_bucket_is_a_folder() -> None:
    read = read_entries("s3://bucket/p/")
    assert read == {f"s3://bucket/{name}": PHOTOS[name] for name in PHOTOS}
    assert read_entries("s3://bucket/p") == read
    assert list(read_entries("s3://bucket/p/", Choice(recursive=False))) == list(read)[:2]
    assert list(read_entries("s3://bucket/p/", Choice(exclude=("b.*",)))) == [
        *list(read)[:1],
        *list(read)[2:],
    ]


@pytest.mark.usefixtures("s3")
def test_a_bucket_is_listed_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    page = listing._page_of_s3  # noqa: SLF001

    def small(filesystem: object, **wanted: Any) -> object:
        asked.append(wanted)
        return page(filesystem, **wanted | {"most": 1})

    monkeypatch.setattr(listing, "_page_of_s3", small)
    found = iter(find_photos(["s3://bucket/p/"]))
    next(found)
    assert len(asked) == 1
    assert len([*found]) == len(PHOTOS) - 1 and len(asked) > len(PHOTOS)


@pytest.mark.usefixtures("s3")
def test_a_pattern_stands_for_all_that_match() -> None:
    assert list(read_entries("s3://bucket/p/?.jpg")) == [
        "s3://bucket/p/a.jpg",
        "s3://bucket/p/b.jpg",
    ]
    assert len(read_entries("s3://bucket/*.tar")) == len(PHOTOS)


@pytest.mark.usefixtures("s3")
def test_folders_without_a_name_are_listed() -> None:
    names = ["s3://odd/a//b.jpg", "s3://odd/a/c.jpg"]
    assert sorted(read_entries("s3://odd/a/")) == names
    assert list(read_entries("s3://odd/a//")) == names[:1]
    found = read_entries("s3://odd/")
    assert sorted(found) == sorted(f"s3://odd/{name}" for name in ODD)
    assert all(
        content == name.removeprefix("s3://odd/").encode() for name, content in found.items()
    )


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("what?.jpg", ["what?.jpg"]),
        ("*.jpg", ["a*b.jpg", "what?.jpg"]),
        ("a*b.jpg", ["a*b.jpg"]),
        ("[1]?/*.jpg", ["[1]x/d.jpg"]),
        ("*/*/*.jpg", ["a//b.jpg"]),
        ("**/c.jpg", ["a/c.jpg"]),
        ("a/**/?.jpg", ["a/c.jpg", "a//b.jpg"]),
        ("*x", ["[1]x/d.jpg"]),
        ("none/*.jpg", []),
    ],
)
def test_names_of_objects_may_have_the_signs_of_patterns(pattern: str, names: list[str]) -> None:
    assert list(read_entries(f"s3://odd/{pattern}")) == [f"s3://odd/{name}" for name in names]


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize("name", ["t.parquet/", "t.parquet"])
def test_a_folder_of_parts_in_a_bucket_is_one_table(name: str) -> None:
    parts = ("part-1.parquet", "year=2020/part-0.parquet")
    rows = [f"s3://bucket/t.parquet/{part}#{row}" for part in parts for row in (0, 1)]
    assert read_entries(f"s3://bucket/{name}") == dict(zip(rows, [b"x", b"y"] * 2, strict=True))
    # A folder that is not there is empty.
    (said,) = read_entries("s3://bucket/none.parquet/").values()
    assert said == "the folder has no files that are called *.parquet"


@pytest.mark.usefixtures("s3")
def test_what_a_bucket_lists_has_a_time(caplog: pytest.LogCaptureFixture) -> None:
    now = time.time_ns()
    for name in ("p/", "p/*.jpg", "t.parquet", "*.tar", "*.zip"):
        assert read_entries(f"s3://bucket/{name}", Choice(newer_than=now + 10**12)) == {}
        assert len(read_entries(f"s3://bucket/{name}", Choice(newer_than=now - 10**14))) > 1
    assert not _told(caplog)


@pytest.mark.usefixtures("s3")
def test_what_is_not_listed_is_taken_for_new_and_that_is_told_once(
    web: FaultyServer, caplog: pytest.LogCaptureFixture
) -> None:
    names = ["s3://bucket/p/a.jpg", _web(web, "a.zip"), "s3://bucket/a.tar"]
    found = list(find_photos(names, Choice(newer_than=time.time_ns() + 10**12)))
    assert len(found) == 1 + 2 * len(PHOTOS)
    (told,) = _told(caplog)
    assert told.startswith("s3://bucket/p/a.jpg: when it was changed is not known")


def test_a_web_archive_is_known_without_its_parameters(web: FaultyServer) -> None:
    address = f"{_web(web, 'a.zip')}?v=2"
    assert list(read_entries(address).values()) == list(PHOTOS.values())


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize("name", ["a.tar", "a.zip"])
def test_an_archive_in_a_bucket_is_read(name: str) -> None:
    assert read_entries(f"s3://bucket/{name}") == {
        f"s3://bucket/{name}/{member}": PHOTOS[member] for member in PHOTOS
    }


@pytest.mark.parametrize("name", ["busy-2.jpg", "cut-2.jpg"])
def test_a_bucket_that_is_busy_is_asked_again(s3: FaultyServer, name: str) -> None:
    s3.asked.clear()
    assert read_entries(f"s3://bucket/{name}") == {f"s3://bucket/{name}": b"x" * 100}
    assert s3.asked[name] >= 3


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gone.jpg", "no such file"),
        ("secret.jpg", "no permission to read it"),
        ("busy-99.jpg", "cannot be fetched: the server is "),
        ("cut-99.jpg", "cannot be fetched: the "),
        ("slow.jpg", "cannot be fetched: the server is too slow"),
    ],
)
def test_a_fault_of_a_bucket_is_a_row(
    s3: FaultyServer, caplog: pytest.LogCaptureFixture, name: str, reason: str
) -> None:
    caplog.set_level(logging.INFO)
    ((row, said),) = read_entries(f"s3://bucket/{name}").items()
    assert (row, str(said)[: len(reason)]) == (f"s3://bucket/{name}", reason)
    assert "verysecret" not in caplog.text
    assert s3.asked[name]


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize("name", ["p/", "p", "*.jpg", ""])
def test_a_bucket_that_is_not_there_ends_the_run(name: str) -> None:
    with pytest.raises(UsageError, match="there is no bucket 'nowhere'"):
        read_entries(f"s3://nowhere/{name}")
    assert read_entries("s3://nowhere/a.jpg") == {"s3://nowhere/a.jpg": "no such file"}


def test_an_address_is_read_once(web: FaultyServer) -> None:
    address = _web(web, "p/a.jpg")
    assert len(list(find_photos([address, address]))) == 1


@pytest.mark.parametrize("name", ["s3:///x.jpg", "s3://", "gs:///a/*", "s3a:///", "http:///a.jpg"])
def test_an_address_without_a_place_is_a_row(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "_connected", lambda _: None)
    (said,) = read_entries(name).values()
    assert str(said).startswith("is no address: it has no ")
    cell = photo_named(name)
    assert isinstance(cell, Entry) and cell.name == name


@given(st.text(st.characters(exclude_characters="/?#@:[]\\&."), min_size=6))
def test_no_secret_is_shown(secret: str) -> None:
    for address in (
        f"https://me:{secret}@host/a.jpg",
        *(f"https://host/a.jpg?{name}={secret}&v=2" for name in ("X-Goog-Signature", "token")),
        *(f"https://host/a.jpg?v=2&{name}={secret}" for name in ("key", "authkey", "password")),
        f"s3://{secret}@bucket/a.jpg",
    ):
        shown = addresses.shown(address)
        for ours in ("host", "bucket", "password", "authkey", "token"):
            shown = shown.replace(ours, "")
        assert secret not in shown


@pytest.mark.parametrize(
    "signature",
    [
        "X-Amz-Date=2026113{0}&X-Amz-Expires=60{0}&X-Amz-Security-Token=a{0}&X-Amz-Signature=f{0}",
        "X-Goog-Date=2026113{0}&X-Goog-Credential=a{0}&X-Goog-Signature=f{0}",
        "AWSAccessKeyId=AKIA{0}&Expires=17000000{0}&Signature=a{0}%3D",
        "Expires=17000000{0}&Policy=a{0}&Signature=b{0}&Key-Pair-Id=c{0}",
        "sv=2026-01-0{0}&st=a{0}&se=b{0}&sr=b&sp=r&sig=c{0}%3D",
        "token=a{0}&expires=17000000{0}",
    ],
)
def test_an_address_that_is_signed_anew_keeps_its_name(signature: str) -> None:
    for number in "12":
        address = f"https://host/a.jpg?v=2&{signature.format(number)}"
        assert addresses.shown(address) == "https://host/a.jpg?v=2"


@given(st.lists(st.text("ab.1jpg%=+", max_size=8), min_size=2, max_size=2, unique=True))
def test_addresses_of_two_photos_have_two_names(values: list[str]) -> None:
    for name in ("id", "key", "token", "api_key", "Expires", "sp", "session"):
        first, second = (addresses.shown(f"http://h/img.jpg?{name}={value}") for value in values)
        assert first != second


def test_a_key_that_is_a_name_is_no_secret() -> None:
    assert addresses.shown("http://h/img?key=a/1.jpg&v=2") == "http://h/img?key=a/1.jpg&v=2"
    for secret in ("http://h/img?key=AIzaSyD-9tS", "http://h/img?api_key=1.jpg"):
        assert "***" in addresses.shown(secret)


def test_names_of_objects_are_shown_as_they_are() -> None:
    assert addresses.shown("s3://bucket/a?b#c.jpg") == "s3://bucket/a?b#c.jpg"
    assert addresses.shown("https://host/a%20b.jpg?id=7") == "https://host/a%20b.jpg?id=7"


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ImportError

    clients._connected.cache_clear()  # noqa: SLF001
    monkeypatch.setattr("fsspec.filesystem", missing)
    for address in ("gs://bucket/p/", "s3://bucket/a.tar", "https://host/a.jpg", "s3://b/a.zip"):
        with pytest.raises(DependencyError, match=r"run `pip install 'biqa-cli\[remote\]'`"):
            list(find_photos([address]))
