"""Reference manifests: which count, what is compared with them, and that nothing unsigned or half understood does."""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
from io import BytesIO
from typing import Any

import pytest
from attested import NOW, flips, ids, vector
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from published import snapshot

from attestation.collateral.pieces import Kind, Piece
from attestation.collateral.select import find, helpful
from attestation.nvidia.canonxml import canonical, parse
from attestation.nvidia.report import CHIP, DRIVER, NVDEC, VBIOS, parse_report
from attestation.nvidia.rim import compare, wanted
from attestation.simulator import pki
from attestation.simulator.nvidia import OPAQUE, evidence, shared_vendor
from attestation.simulator.rim import (
    DRIVER_ID,
    DRIVER_INDEXES,
    DS,
    VBIOS_ID,
    Signer,
    both,
    resources,
    value,
)
from attestation.trust import VENDORS
from attestation.types import Check, Collateral, Malformed, Status
from attestation.verify import verify

SIM = shared_vendor()
GPU = SIM.gpu()
SIGNER = Signer(SIM)
BOTH = both(SIGNER)
HONEST = {i: [value(i)] for i in DRIVER_INDEXES}
PASS, FAIL, UNKNOWN = Status.PASS, Status.FAIL, Status.UNKNOWN


def judged(rims: dict[str, bytes], *, now: dt.datetime = NOW, opaque: Any = None, arch: str = "HOPPER") -> Check:
    report = parse_report(GPU.report(opaque=opaque))
    return compare(((arch, report),), rims, SIM.trust.roots, now)


def with_driver(rim: bytes, **how: Any) -> Check:
    return judged({**BOTH, DRIVER_ID: rim}, **how)


def test_measurements_that_are_nvidias_pass_and_only_with_every_manifest():
    got = judged(BOTH)
    assert got.status is PASS and DRIVER_ID in got.detail and VBIOS_ID in got.detail
    for missing in BOTH:
        got = judged({name: rim for name, rim in BOTH.items() if name != missing})
        assert got.status is UNKNOWN and f"{missing}: NVIDIA's manifest is not here" in got.detail
    assert judged({}).status is UNKNOWN


@pytest.mark.parametrize("index", DRIVER_INDEXES)
def test_each_measurement_that_differs_is_named(index):
    got = with_driver(SIGNER.rim(values={**HONEST, index: [b"\x77" * 48]}))
    assert got.status is FAIL and got.detail == f"device-0: measurements {index} differ from NVIDIA's values"
    alone = judged({DRIVER_ID: SIGNER.rim(values={**HONEST, index: [b"\x77" * 48]})})
    assert alone.status is FAIL  # what differs from one manifest differs, whatever the other says


def test_a_measurement_may_have_several_values_and_one_that_is_not_there_has_none():
    assert with_driver(SIGNER.rim(values={**HONEST, 7: [b"\x77" * 48, value(7)]})).status is PASS
    assert "measurements 70" in with_driver(SIGNER.rim(values={**HONEST, 70: [value(7)]})).detail
    assert with_driver(SIGNER.rim(values={**HONEST, 0: [value(0)]})).detail.endswith("about one measurement")


def test_the_decoders_measurement_counts_unless_the_device_signs_that_it_is_off():
    rim = SIGNER.rim(values={**HONEST, 35: [b"\x77" * 48]})
    assert with_driver(rim).status is FAIL
    assert with_driver(rim, opaque={**OPAQUE, NVDEC: b"\x55"}).status is PASS
    for other in (b"", b"\x54", b"\x55\x55"):
        assert with_driver(rim, opaque={**OPAQUE, NVDEC: other}).status is FAIL
    other = SIGNER.rim(values={**HONEST, 7: [b"\x77" * 48]})
    assert with_driver(other, opaque={**OPAQUE, NVDEC: b"\x55"}).status is FAIL


def test_one_device_among_others_that_differs_is_named():
    odd = GPU.report()
    at = odd.index(value(7))
    reports = [parse_report(r) for r in (GPU.report(), odd[:at] + bytes(48) + odd[at + 48 :])]
    got = compare(tuple(("HOPPER", r) for r in reports), BOTH, SIM.trust.roots, NOW)
    assert got.status is FAIL and got.detail == "device-1: measurements 7 differ from NVIDIA's values"


@pytest.mark.parametrize(
    ("rim", "why"),
    {
        "another version": (SIGNER.rim("590.13"), "another's"),
        "another product": (SIGNER.rim(product="GB100"), "another's"),
        "another key": (SIGNER.rim(key=ec.generate_private_key(ec.SECP384R1())), "rim.signature"),
        "another root": (Signer(type(SIM)()).rim(), "rim.chain.root"),
        "ended": (Signer(SIM, NOW - dt.timedelta(days=1)).rim(), "rim.chain.validity"),
        "changed": (SIGNER.rim(after=lambda t: t.replace(value(7).hex(), "77" * 48)), "rim.digest"),
        "activated": (SIGNER.rim(after=lambda t: t.replace('"False"', '"True"', 1)), "rim.digest"),
        "no signature": (SIGNER.rim(after=lambda t: re.sub("<ds:Signature .*</ds:Signature>", "", t, flags=16)), "one"),
        "no XML": (b"<SoftwareIdentity>", "well-formed"),
        "empty": (b"", "UTF-8"),
        "other": (b"\x00\x01", "UTF-8"),
    }.values(),
)
def test_a_manifest_that_does_not_count_leaves_the_question_open(rim, why):
    got = with_driver(rim)
    assert got.status is UNKNOWN and why in got.detail


def again(text: str) -> str:
    found = re.search("<ds:Signature .*</ds:Signature>", text, re.DOTALL)
    assert found is not None
    return found[0]


FORMS = {
    "two signatures": lambda t: t.replace("</SoftwareIdentity>", again(t) + "</SoftwareIdentity>"),
    "a signature further down": lambda t: t.replace(again(t), "").replace("</Payload>", again(t) + "</Payload>"),
    "wrapped": lambda t: f'<x xmlns="u">{t}</x>',
    "an object": lambda t: t.replace("</ds:Signature>", "<ds:Object></ds:Object></ds:Signature>"),
    "text between": lambda t: t.replace("<ds:SignatureValue>", "x<ds:SignatureValue>"),
    "a second value": lambda t: t.replace("</ds:SignatureValue>", "</ds:SignatureValue><ds:SignatureValue/>"),
    "no certificate": lambda t: re.sub("<ds:X509Data>.*</ds:X509Data>", "<ds:X509Data></ds:X509Data>", t, flags=16),
    "a key beside": lambda t: t.replace("<ds:X509Data>", "<ds:KeyValue></ds:KeyValue><ds:X509Data>"),
    "a child in a value": lambda t: t.replace("</ds:SignatureValue>", "<ds:a></ds:a></ds:SignatureValue>"),
    "another namespace": lambda t: t.replace(f'xmlns:ds="{DS}"', 'xmlns:ds="http://elsewhere.example/"'),
}
INFOS = {
    "a part only": ('URI=""', 'URI="#payload"'),
    "with an id": ('URI=""', 'Id="a" URI=""'),
    "weaker digest": ("xmldsig-more#sha384", "xmldsig#sha1"),
    "other signature": ("ecdsa-sha384", "hmac-sha256"),
    "other form": ("2006/12/xml-c14n11", "2001/10/xml-exc-c14n#"),
    "with comments": ("xml-c14n11", "xml-c14n11#WithComments"),
    "a parameter": ("</ds:SignatureMethod>", "<ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>"),
    "one transform": (f'<ds:Transform Algorithm="{DS}enveloped-signature"></ds:Transform>', ""),
    "a script": ("</ds:Transforms>", '<ds:Transform Algorithm="xslt"></ds:Transform></ds:Transforms>'),
    "a second reference": ("</ds:Reference>", '</ds:Reference><ds:Reference URI=""></ds:Reference>'),
    "no digest": ("<ds:DigestValue>", "<ds:DigestValue>AAAA"),
    "another namespace": ('URI=""', 'URI="" h:a="b"'),
    "another namespace in a method": ('xml-c14n11"></ds:Canon', 'xml-c14n11" h:a="b"></ds:Canon'),
    "swapped": ("enveloped-signature", "base64"),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_signature_of_another_form_does_not_count(name):
    got = with_driver(SIGNER.rim(after=FORMS[name]))
    assert got.status is UNKNOWN and "rim." not in got.detail


@pytest.mark.parametrize("name", INFOS)
def test_a_signature_that_says_something_else_does_not_count_though_it_is_good(name):
    old, new = INFOS[name]
    got = with_driver(SIGNER.rim(info=lambda said: said.replace(old, new, 1)))
    assert got.status is UNKNOWN and "rim." not in got.detail


META = '<Meta colloquialVersion="590.12" edition="GPU" product="GH100"></Meta>'
GOOD = {"active": "True", "alternatives": "1", "index": "7", "size": "48", "type": "Measurement", "h:Hash0": "08" * 48}


def row(name: str = "Resource", inside: str = "", **changes: str) -> str:
    """A measurement in canonical form; an empty value leaves an attribute out."""
    said = {k: v for k, v in {**GOOD, **{k.replace("_", ":"): v for k, v in changes.items()}}.items() if v}
    listed = sorted(said.items(), key=lambda pair: (":" in pair[0], pair[0]))
    return f"<{name}{''.join(f' {k}={chr(34)}{v}{chr(34)}' for k, v in listed)}>{inside}</{name}>"


PAYLOADS = {
    "no payload": META,
    "two payloads": f"{META}<Payload>{resources(HONEST)}</Payload><Payload>{resources(HONEST)}</Payload>",
    "no values": f"{META}<Payload></Payload>",
    "none active": f"{META}<Payload>{resources({}, [1, 2])}</Payload>",
    "one twice": f"{META}<Payload>{resources(HONEST)}{row()}</Payload>",
    "two metas": f"{META}{META}<Payload>{resources(HONEST)}</Payload>",
    "no meta": f"<Payload>{resources(HONEST)}</Payload>",
    "an element inside": f"{META}<Payload>{row(inside='<a></a>')}</Payload>",
}
ROWS = {
    "maybe": row(active="true"),
    "no word": row(active=""),
    "sign": row(index="-7"),
    "zeros": row(index="07"),
    "no index": row(index=""),
    "fewer": row(alternatives="2"),
    "none": row(alternatives="0"),
    "active without a value": row() + row(alternatives="0", index="9", h_Hash0=""),
    "no count": row(alternatives=""),
    "a word": row(alternatives="one"),
    "a zero before": row(alternatives="01"),
    "too many": row(alternatives="65", **{f"h_Hash{i}": "08" * 48 for i in range(65)}),
    "many": row(alternatives="9999"),
    "short": row(h_Hash0="08" * 47),
    "upper": row(h_Hash0="0A" * 48),
    "more": row(h_Hash1="08" * 48),
    "another number": row(h_Hash0="", h_Hash1="08" * 48),
    "no namespace": row(h_Hash0="", Hash0="08" * 48),
    "size": row(size="32"),
    "type": row(type="Hint"),
    "another element": row("File"),
    "text": row(inside="x"),
}


def test_a_measurement_may_have_so_many_values():
    many = row(alternatives="64", **{f"h_Hash{i}": f"{i:02x}" * 48 for i in range(64)})
    assert with_driver(SIGNER.rim(body=f"{META}<Payload>{many}</Payload>")).status is PASS


def test_a_signed_document_of_another_kind_is_no_manifest():
    assert with_driver(SIGNER.rim(name="SoftwareIdentity")).status is PASS
    got = with_driver(SIGNER.rim(name="Evidence"))
    assert got.status is UNKNOWN and "names no measurement" in got.detail


@pytest.mark.parametrize(
    ("stated", "name"),
    [
        (b"96.10.55.00.01\0", "NV_SWITCH_BIOS_5612_0002_890_9610550001"),
        (b"96.10.5a.00.01", "NV_SWITCH_BIOS_5612_0002_890_96105A0001"),
        (b"96.10/../x", None), (b"96.10 55", None), (b"96." + b"1" * 70, None),
    ],
)  # fmt: skip
def test_a_switch_names_its_firmware_and_nothing_else(stated, name):
    report = parse_report(GPU.report(opaque={VBIOS: stated}))
    if name is not None:
        assert [one.name for one in wanted("LS10", report)] == [name]
        assert [one.product for one in wanted("LS10", report)] == ["LS10"]
    else:
        with pytest.raises(Malformed):
            wanted("LS10", report)


@pytest.mark.parametrize(("stated", "chip"), [({}, "GB100"), ({CHIP: b"GB202\0"}, "GB202")])
def test_a_newer_gpu_says_which_chip_it_is(stated, chip):
    report = parse_report(GPU.report(opaque={**OPAQUE, **stated}))
    driver, firmware = wanted("BLACKWELL", report)
    assert (driver.name, driver.product) == (f"NV_GPU_CC_DRIVER_{chip}_590.12", chip)
    assert (firmware.name, firmware.product) == (VBIOS_ID, chip)
    assert wanted("HOPPER", report)[0].product == "GH100"


@pytest.mark.parametrize("kind", ["P-256", "RSA"])
def test_a_signer_has_a_key_on_the_one_curve(kind):
    own = Signer(SIM)
    other = ec.generate_private_key(ec.SECP256R1()) if kind == "P-256" else rsa.generate_private_key(65537, 2048)
    leaf = pki.issue(pki.name("x", "x"), other.public_key(), SIM.names[1], SIM.keys[1])
    own.chain = (leaf, *own.chain[1:])
    got = with_driver(own.rim(key=other if isinstance(other, ec.EllipticCurvePrivateKey) else None))
    assert got.status is UNKNOWN and "rim.signature" in got.detail


def test_white_space_around_the_parts_of_a_signature_says_nothing():
    assert with_driver(SIGNER.rim(after=lambda t: t.replace("<ds:KeyInfo>", "\n <ds:KeyInfo>\t\r\n"))).status is PASS


def test_a_signature_has_one_length():
    def cut(text: str) -> str:
        found = re.search("<ds:SignatureValue>(.*)</ds:SignatureValue>", text)
        assert found is not None
        return text.replace(found[1], base64.b64encode(base64.b64decode(found[1])[:95]).decode())

    got = with_driver(SIGNER.rim(after=cut))
    assert got.status is UNKNOWN and "(rim.signature)" in got.detail


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_signed_manifest_of_another_form_does_not_count(name):
    got = with_driver(SIGNER.rim(body=PAYLOADS[name]))
    assert got.status is UNKNOWN and "rim." not in got.detail  # its signature is good


@pytest.mark.parametrize("name", ROWS)
def test_a_measurement_of_another_form_does_not_count(name):
    assert with_driver(SIGNER.rim(body=f"{META}<Payload>{row()}</Payload>")).status is PASS
    got = with_driver(SIGNER.rim(body=f"{META}<Payload>{ROWS[name]}</Payload>"))
    assert got.status is UNKNOWN and "rim." not in got.detail  # its signature is good


BOMB = '<!DOCTYPE a [<!ENTITY a "' + "x" * 1000 + '">' + "".join(
    f'<!ENTITY {b} "{f"&{a};" * 50}">' for a, b in zip("abcd", "bcde", strict=True)) + "]><a>&e;</a>"  # fmt: skip


@pytest.mark.parametrize(
    "raw",
    {
        "bomb": BOMB, "document type": "<!DOCTYPE a><a/>", "external": '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        "external entity": '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        "comment": "<a><!-- --></a>", "marked": b"\xef\xbb\xbf<a/>", "space before": " <a/>",
        "instruction": "<a><?b c?></a>", "before": "<?b c?><a/>", "section": "<a><![CDATA[b]]></a>",
        "entity": "<a>&b;</a>", "xml attribute": '<a xml:space="preserve"/>', "xml name": "<xml:a/>",
        "base": '<a xmlns:xml="u"/>', "undeclared": "<b:a/>", "undeclared attribute": '<a b:c=""/>',
        "undeclaring": '<a xmlns:b="u"><c xmlns:b=""/></a>', "twice": '<a xmlns:b="u" xmlns:c="u" b:d="" c:d=""/>',
        "colons": '<a xmlns:b="u" b:c:d=""/>', "latin": '<?xml version="1.0" encoding="latin-1"?><a/>',
        "newer": '<?xml version="1.1"?><a/>', "deep": "<a>" * 17 + "</a>" * 17, "wide": f"<a>{'<b/>' * 4096}</a>",
        "attributes": f"<a {' '.join(f'b{i}=' + chr(34) * 2 for i in range(81))}/>", "behind": "<a/><a/>", "text": "a",
        "a prefix of two": '<a xmlns:b:c="u"/>', "no prefix": '<:a xmlns="u"/>', "no name": '<b: xmlns:b="u"/>',
        "an attribute without prefix": '<a :b=""/>', "an attribute without name": '<a xmlns:b="u" b:=""/>',
        "nothing": b"<?xml version='1.0'?>",
        "utf-16": "<a/>".encode("utf-16"), "half": b"<a>\xff</a>", "large": b"<a>" + b" " * 100 + b"</a>",
    }.values(),
)  # fmt: skip
def test_xml_that_is_not_taken_is_malformed(raw):
    with pytest.raises(Malformed):
        parse(raw if isinstance(raw, bytes) else raw.encode(), 100 if isinstance(raw, bytes) else 2**20)


def test_a_declaration_need_not_name_the_encoding():
    for said in ("", ' encoding="UTF-8"', ' encoding="utf-8"', ' encoding="utf-8" standalone="yes"'):
        assert canonical(parse(f'<?xml version="1.0"{said}?><a/>'.encode(), 100)) == b"<a></a>"


def test_what_is_taken_has_its_measure():
    most = f"<a {' '.join(f'b{i}=' + chr(34) * 2 for i in range(80))}/>"
    for text in (most, f"<a>{'<b/>' * 4095}</a>", "<a>" * 16 + "</a>" * 16, "<a/>"):
        parse(text.encode(), len(text))
        with pytest.raises(Malformed):
            parse(text.encode(), len(text) - 1)


CANONICAL = [
    '<?xml version="1.0" encoding="UTF-8"?>\n<a/>\n',
    "<a>\r\n\r&#13;&#10;&#9;&amp;&lt;&gt;&quot;&apos;\u00e9</a>",
    '<a z="1" b="&quot;&lt;&amp;>&#9;&#10;&#13; \t\n" xmlns:c="u:v" c:a="" xmlns="u:u" xmlns:a="u:w" a:z=""/>',
    '<a xmlns="u:u"><b xmlns=""><c xmlns=""/></b><d xmlns="u:u"/></a>',
    '<b:a xmlns:b="u:u"><b:c xmlns:b="u:u"/><b:c xmlns:b="u:v"/></b:a>',
    "<a xmlns='u:u' c = 'd'  ><b/>  <e>f</e\n></a>",
]


@pytest.mark.parametrize("text", CANONICAL)
def test_the_canonical_form_is_that_of_libxml2(text):
    etree = pytest.importorskip("lxml.etree")
    out = BytesIO()
    etree.ElementTree(etree.fromstring(text.encode())).write_c14n(out, with_comments=False)
    assert canonical(parse(text.encode(), 4096)) == out.getvalue()


def test_a_part_takes_the_names_around_it_along_and_leaves_out_what_it_is_told():
    root = parse(b'<a xmlns="u" xmlns:b="v"><c d="e">f<g></g></c></a>', 4096)
    (part,) = root.elements()
    assert canonical(part) == b'<c xmlns="u" xmlns:b="v" d="e">f<g></g></c>'
    assert canonical(root, part) == b'<a xmlns="u" xmlns:b="v"></a>'


def test_no_flipped_bit_of_a_manifest_passes():
    good = SIGNER.rim(values={7: [value(7)]})
    assert with_driver(good).status is PASS
    for raw in list(flips(good))[::3]:
        assert with_driver(raw).status is UNKNOWN


def test_the_answer_of_nvidias_service_is_unpacked():
    body = {"id": DRIVER_ID, "rim": base64.b64encode(BOTH[DRIVER_ID]).decode(), "rim_format": "TCG"}
    assert with_driver(json.dumps(body).encode()).status is PASS
    for other in ({}, {"rim": 5}, {"rim": "!"}, {"rim": base64.b64encode(b"<a/>").decode()}):
        assert with_driver(json.dumps(other).encode()).status is UNKNOWN
    assert with_driver(b'{"rim": "", "rim": ""}').status is UNKNOWN


def test_evidence_is_refused_where_it_differs_and_accepted_where_the_question_is_open():
    def unknown(rims: dict[str, bytes]) -> set[str]:
        got = verify(evidence(GPU.entry()), NOW, VENDORS, SIM.trust, Collateral(rims=rims))
        return {c.id for c in got.checks if c.status is UNKNOWN}

    assert unknown(BOTH) == {"revocation"} and unknown({}) == {"revocation", "reference-values"}
    wrong = {**BOTH, DRIVER_ID: SIGNER.rim(values={7: [b"\x77" * 48]})}
    assert ids(evidence(GPU.entry()), SIM.trust, collateral=Collateral(rims=wrong)) == {"reference-values"}


def test_the_store_gives_the_manifests_of_what_the_devices_say_they_run():
    pieces = [Piece(Kind.RIM, name, rim, NOW) for name, rim in BOTH.items()]
    other = Piece(Kind.RIM, "NV_GPU_DRIVER_GH100_550.144.03", SIGNER.rim("550.144.03"), NOW)
    devices = evidence(GPU.entry(), SIM.gpu().entry())
    assert [n for n in helpful(devices) if n[0] is Kind.RIM] == [(Kind.RIM, DRIVER_ID), (Kind.RIM, VBIOS_ID)]
    collateral, checks = find(snapshot(*pieces, other), devices, NOW)
    assert collateral.rims == BOTH and not checks  # none is needed
    assert find(snapshot(other), devices, NOW)[0].rims == {}
    silent = evidence(GPU.entry(GPU.report(opaque={DRIVER: b"590.12\0"})))
    assert Kind.RIM not in dict(helpful(silent)) and ids(silent, SIM.trust) == set()


@pytest.mark.parametrize("driver", [b"", b"../x", b"590 12", b"\xff", b"5" * 70])
def test_a_device_that_does_not_say_what_it_runs_leaves_the_question_open(driver):
    got = judged(BOTH, opaque={**OPAQUE, DRIVER: driver})
    assert got.status is UNKNOWN and "does not say" in got.detail


# -- what NVIDIA published --------------------------------------------------------------------------------------------

REAL = VENDORS.of("nvidia-rim", None)
OLD_DRIVER, OLD_VBIOS = "NV_GPU_DRIVER_GH100_535.86.09", "NV_GPU_VBIOS_1010_0200_882_96005E0001"


def sample(name: str) -> Any:
    text = vector(f"nvidia/sample/{name}.txt").decode().strip()
    return parse_report(bytes.fromhex(text) if text.startswith("11e0") else base64.b64decode(text))


@pytest.mark.parametrize(
    ("name", "arch", "names"),
    [
        ("gpu/hopperAttestationReport", "HOPPER", [OLD_DRIVER, OLD_VBIOS]),
        ("gpu/blackwellAttestationReport", "BLACKWELL",
         ["NV_GPU_CC_DRIVER_GB100_575.32", "NV_GPU_VBIOS_G525_0220_886_970088000F"]),
        ("switch/switchAttestationReport", "LS10", ["NV_SWITCH_BIOS_5612_0002_890_9610550001"]),
    ],
)  # fmt: skip
def test_real_reports_name_their_manifests(name, arch, names):
    assert [one.name for one in wanted(arch, sample(name))] == names


def test_a_real_gpus_firmware_is_compared_with_nvidias_own_values():
    """Of that driver there is no manifest with a good signature: the question stays open, but for what differs."""
    report, when = sample("gpu/hopperAttestationReport"), dt.datetime(2024, 6, 1, tzinfo=dt.UTC)

    def real(at: dt.datetime = when, **files: str) -> Check:
        names = {"driver": OLD_DRIVER, "vbios": OLD_VBIOS}
        rims = {names[k]: vector(f"nvidia/{f}") for k, f in files.items()}
        return compare((("HOPPER", report),), rims, REAL, at)

    good, other = "rims/1010_0200_882_96005E0001_PROD.swidtag", f"rims/{OLD_VBIOS}_measurement_mismatch.xml"
    assert real(vbios=good).detail == f"{OLD_DRIVER}: NVIDIA's manifest is not here"
    got = real(vbios=other)
    assert got.status is FAIL and got.detail == "device-0: measurements 9 differ from NVIDIA's values"
    later = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    assert "rim.chain.validity" in real(later, vbios=good).detail
    driver = real(later, driver=f"rims/{OLD_DRIVER}_measurement_mismatch.xml")
    assert driver.status is UNKNOWN and "(rim.digest)" in driver.detail
    assert "another's" in real(later, driver="NV_GPU_DRIVER_GH100_550.144.03.xml").detail
    assert "(rim.signature)" in real(later, driver="incorrect_signature_driver_rim.xml").detail
