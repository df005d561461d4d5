"""Signed reference manifests of simulated devices, each part open to be made wrong. For tests and the demo only.

The documents are written in canonical form by hand, so that signing them needs none of the code that reads them.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Mapping

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from attestation.simulator import pki
from attestation.simulator.nvidia import Vendor

SWID = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd"
HASH = "http://www.w3.org/2001/04/xmlenc#sha384"
DS = "http://www.w3.org/2000/09/xmldsig#"
DRIVER_ID, VBIOS_ID = "NV_GPU_DRIVER_GH100_590.12", "NV_GPU_VBIOS_G520_0200_885_9600A50001"
DRIVER_INDEXES, VBIOS_INDEXES = (7, 21, 35, 40), (0, 1, 9)
_INFO = (
    '<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2006/12/xml-c14n11"></ds:CanonicalizationMethod>'
    '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"></ds:SignatureMethod>'
    f'<ds:Reference URI=""><ds:Transforms><ds:Transform Algorithm="{DS}enveloped-signature"></ds:Transform>'
    '<ds:Transform Algorithm="http://www.w3.org/2006/12/xml-c14n11"></ds:Transform></ds:Transforms>'
    '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#sha384"></ds:DigestMethod>'
    "<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>"
)
_HEAD = f'<SoftwareIdentity xmlns="{SWID}" xmlns:h="{HASH}" name="GH100">'
_TAIL = "</SoftwareIdentity>"


def value(index: int) -> bytes:
    """What a simulated device measures at ``index`` (from 0)."""
    return bytes([index + 1]) * 48


def resources(values: Mapping[int, Iterable[bytes]], inactive: Iterable[int] = ()) -> str:
    rows = {i: ("True", [v.hex() for v in found]) for i, found in values.items()}
    rows |= {i: ("False", ["00" * 48]) for i in inactive}
    return "".join(_resource(i, *rows[i]) for i in sorted(rows))


def _resource(index: int, active: str, values: list[str]) -> str:
    digests = "".join(f' h:Hash{i}="{v}"' for i, v in enumerate(values))
    return (f'\n<Resource active="{active}" alternatives="{len(values)}" index="{index}" name="Measurement_{index}" '
            f'size="48" type="Measurement"{digests}></Resource>')  # fmt: skip


class Signer:
    """Signs manifests; its chain ends in the vendor's root."""

    def __init__(self, vendor: Vendor, end: dt.datetime = pki.END, start: dt.datetime = pki.START) -> None:
        self.key = ec.generate_private_key(ec.SECP384R1())
        name = pki.name("Simulated Reference Values", "Sealgate Simulator")
        leaf = pki.issue(name, self.key.public_key(), vendor.names[1], vendor.keys[1], start=start, end=end)
        self.chain = (leaf, vendor.issuers[1], vendor.issuers[0])

    def rim(
        self, version: str = "590.12", values: Mapping[int, Iterable[bytes]] | None = None, product: str = "GH100", *,
        body: str | None = None, info: Callable[[str], str] = str, key: ec.EllipticCurvePrivateKey | None = None,
        after: Callable[[str], str] = str, name: str = "SoftwareIdentity",
    ) -> bytes:  # fmt: skip
        """A manifest. ``body`` replaces all that is signed but the head, ``info`` changes what the signature says
        before it is made, ``after`` the finished document."""
        if body is None:
            chosen = values if values is not None else {i: [value(i)] for i in DRIVER_INDEXES}
            meta = f'<Meta colloquialVersion="{version}" edition="GPU" product="{product}"></Meta>'
            body = f"\n{meta}\n<Payload>{resources(chosen, {62, 63} - set(chosen))}\n</Payload>\n"
        head, tail = _HEAD.replace("SoftwareIdentity", name), _TAIL.replace("SoftwareIdentity", name)
        digest = base64.b64encode(hashlib.sha384((head + body + tail).encode()).digest()).decode()
        said = info(_INFO.replace("{digest}", digest))
        shown = f'<ds:SignedInfo xmlns="{SWID}" xmlns:ds="{DS}" xmlns:h="{HASH}">{said}</ds:SignedInfo>'
        r, s = utils.decode_dss_signature((key or self.key).sign(shown.encode(), ec.ECDSA(hashes.SHA384())))
        raw = base64.b64encode(r.to_bytes(48, "big") + s.to_bytes(48, "big")).decode()
        chain = "".join(f"<ds:X509Certificate>{_lines(der)}</ds:X509Certificate>" for der in self.chain)
        signature = (
            f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>{said}</ds:SignedInfo><ds:SignatureValue>{raw}'
            f"</ds:SignatureValue><ds:KeyInfo><ds:X509Data>{chain}</ds:X509Data></ds:KeyInfo></ds:Signature>"
        )
        return after(head + body + signature + tail).encode()


def _lines(der: bytes) -> str:
    text = base64.b64encode(der).decode()
    return "\n".join(text[i : i + 64] for i in range(0, len(text), 64))


def both(signer: Signer) -> dict[str, bytes]:
    """The manifests of an honest device."""
    firmware = signer.rim("96.00.A5.00.01", {i: [value(i)] for i in VBIOS_INDEXES})
    return {DRIVER_ID: signer.rim(), VBIOS_ID: firmware}
