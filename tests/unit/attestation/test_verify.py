"""The way in knows its kinds and nothing else."""

from dataclasses import replace

import pytest
from attested import BINDING, NOW, platform

from attestation.trust import AMD
from attestation.types import Malformed
from attestation.verify import VERIFIERS, verify


@pytest.mark.parametrize("kind", ["", "sealgate-SNP", "tdx", "sealgate-snp "])
def test_evidence_of_an_unknown_kind_is_refused(kind):
    with pytest.raises(Malformed):
        verify(replace(platform().evidence(BINDING), kind=kind), NOW, AMD, platform().trust)


@pytest.mark.parametrize("kind", VERIFIERS)
def test_a_verifier_refuses_empty_evidence(kind):
    with pytest.raises(Malformed):
        verify(replace(platform().evidence(BINDING), kind=kind, report=b"", certificates=()), NOW, AMD)
