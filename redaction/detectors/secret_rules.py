"""Forms of credentials, as data: what providers issue, key files, connection strings, password hashes, headers.

Every pattern is RE2's; group 1 is the secret. The forms are public: they come from the providers' own documentation.
"""

from __future__ import annotations

TOKENS: tuple[tuple[str, float, str], ...] = (
    # Clouds
    ("API_KEY", 0.95, r"\b((?:AKIA|ASIA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16})\b"),
    ("API_KEY", 0.95, r"\b(AIza[0-9A-Za-z_\-]{35})"),
    ("API_KEY", 0.95, r"\b(ya29\.[0-9A-Za-z_\-]{20,}|1//0[0-9A-Za-z_\-]{25,}|GOCSPX-[0-9A-Za-z_\-]{28})"),
    ("API_KEY", 0.9, r"\b([0-9]{6,}-[0-9a-z]{32}\.apps\.googleusercontent\.com)\b"),
    ("API_KEY", 0.95, r"\b(do[opr]_v1_[a-f0-9]{64})\b"),
    ("API_KEY", 0.95, r"([A-Za-z0-9_~.]{3}[0-9]Q~[A-Za-z0-9_~.\-]{31,34})"),
    ("API_KEY", 0.9, r"\b(LTAI[A-Za-z0-9]{12,20}|AKID[A-Za-z0-9]{32,36}|CCIPAT_[A-Za-z0-9]{22}_[a-f0-9]{40})\b"),
    ("API_KEY", 0.9, r"\b(rnd_[A-Za-z0-9]{20,}|fm[12][ar]?_[A-Za-z0-9+/]{40,}={0,2}|FlyV1 [A-Za-z0-9_,+/=]{40,})"),
    # Code, packages, builds
    ("API_KEY", 0.95, r"\b(gh[pousr]_[0-9A-Za-z]{30,255}|github_pat_[0-9A-Za-z_]{22,255})\b"),
    ("API_KEY", 0.95, r"\b(gl(?:pat|dt|rt|rtr|cbt|ptt|ft|imt|agent|oas|soat|ffct|wt)-[0-9A-Za-z_.\-]{20,}|GR1348941[\w\-]{20,})"),
    ("API_KEY", 0.95, r"\b(ATBB[A-Za-z0-9]{32}|ATATT3[A-Za-z0-9_\-=]{50,}|ATCTT3[A-Za-z0-9_\-=]{50,})"),
    ("API_KEY", 0.95, r"\b(npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_\-]{50,}|rubygems_[a-f0-9]{48}|cio[A-Za-z0-9]{32}|oy2[a-z0-9]{43})\b"),
    ("API_KEY", 0.95, r"\b(dckr_(?:pat|oat)_[A-Za-z0-9_\-]{27,}|AKCp[A-Za-z0-9]{60,}|bkua_[a-z0-9]{40}|sq[apu]_[a-f0-9]{40})"),
    ("API_KEY", 0.95, r"\b(dp\.(?:st|pt|ct|sa|said|scim|audit)(?:\.[a-z0-9\-_]{2,35})?\.[A-Za-z0-9]{40,44})\b"),
    ("API_KEY", 0.95, r"\b(hv[sbr]\.[A-Za-z0-9_\-]{24,}|[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_\-=]{60,})"),
    ("API_KEY", 0.9, r"\b([sbr]\.[A-Za-z0-9]{24})\b"),
    ("API_KEY", 0.95, r"\b(pul-[a-f0-9]{40}|sgp_[A-Za-z0-9_]{40,}|sntr(?:y[su]|ys)_[A-Za-z0-9+/=_]{40,}|phc_[A-Za-z0-9]{40,}|ph[xasr]_[\w\-]{40,})"),
    # Chat, mail, telephony
    ("API_KEY", 0.95, r"\b(xox[abeoprs][.\-][0-9A-Za-z.\-]{10,}|xapp-[0-9]-[A-Z0-9]+-[0-9]+-[a-z0-9]+)"),
    ("API_KEY", 0.9, r"(https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{20,})"),
    ("API_KEY", 0.9, r"(https://(?:canary\.|ptb\.)?discord(?:app)?\.com/api/webhooks/[0-9]{15,}/[A-Za-z0-9_\-]{50,})"),
    ("API_KEY", 0.9, r"(https://[a-z0-9\-.]*(?:webhook\.office\.com|outlook\.office(?:365)?\.com)/webhook[b2]*/[a-f0-9\-]{36}@[^\s\"']{20,})"),
    ("API_KEY", 0.9, r"\b([MNO][A-Za-z0-9_\-]{23,27}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,38})"),
    ("API_KEY", 0.95, r"\b([0-9]{8,10}:AA[0-9A-Za-z_\-]{32,})"),
    ("API_KEY", 0.95, r"\b(SG\.[A-Za-z0-9_\-]{16,32}\.[A-Za-z0-9_\-]{16,64}|xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}|xsmtpsib-[a-f0-9]{64}-\w{16})"),
    ("API_KEY", 0.95, r"\b(key-[0-9a-f]{32}|[0-9a-f]{32}-us[0-9]{1,2}|(?:AC|SK)[0-9a-f]{32})\b"),
    ("API_KEY", 0.95, r"\b([a-f0-9]{32}-[a-f0-9]{8}-[a-f0-9]{8})\b"),
    # Payment, shops
    ("API_KEY", 0.95, r"\b((?:sk|rk|pk|whsec)_(?:live_|test_|prod_)?[0-9a-zA-Z]{16,}|pk_[0-9]{5,9}_[A-Z0-9]{32})\b"),
    ("API_KEY", 0.95, r"\b(sq0[a-z]{3}-[0-9A-Za-z_\-]{22,43}|EAAA[A-Za-z0-9_\-]{56,64}|access_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32})"),
    ("API_KEY", 0.95, r"\b(shp(?:at|ca|pa|ss|tka|ca)_[a-fA-F0-9]{32}|rzp_(?:live|test)_[A-Za-z0-9]{14,}|FLW(?:SEC|PUB)K(?:_TEST)?-[0-9a-z]{12,}(?:-X)?)\b"),
    ("API_KEY", 0.95, r"\b(live_[a-zA-Z0-9_\-]{35,}|ew_(?:live|test)_\w{20,}|EZ[AT]K[a-zA-Z0-9]{54}|shippo_(?:live|test)_[a-f0-9]{40})"),
    # Models
    ("API_KEY", 0.95, r"\b(sk-(?:proj-|svcacct-|admin-|ant-[a-z0-9]+-|or-v1-|lf-)?[A-Za-z0-9_\-]{20,})"),
    ("API_KEY", 0.95, r"\b((?:hf|api_org)_[A-Za-z0-9]{30,}|r8_[A-Za-z0-9]{37}|gsk_[A-Za-z0-9]{40,}|xai-[A-Za-z0-9]{60,}|pplx-[A-Za-z0-9]{40,})\b"),
    ("API_KEY", 0.95, r"\b(nvapi-[A-Za-z0-9_\-]{50,}|lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}|fw_[A-Za-z0-9]{24}|pcsk_[A-Za-z0-9_]{50,})"),
    # Work
    ("API_KEY", 0.95, r"\b(lin_(?:api|oauth)_[A-Za-z0-9]{30,}|ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{40,}|pat[A-Za-z0-9]{14}\.[a-f0-9]{64})\b"),
    ("API_KEY", 0.95, r"\b(NRA[KLA]-[A-Z0-9]{27}|NR[IR][IQ]-[A-Za-z0-9_\-]{24,32}|PMAK-[A-Za-z0-9\-]{50,}|figd_[A-Za-z0-9_\-]{30,}|pat-(?:na|eu)[0-9]-[a-fA-F0-9\-]{36})"),
    ("API_KEY", 0.95, r"\b(gl(?:c|sa)_[A-Za-z0-9+/_]{32,}={0,2}|dapi[a-h0-9]{32}(?:-[0-9])?|EAA[A-Za-z0-9]{60,}|t_[a-z0-9]{60,}|sl\.[A-Za-z0-9_\-]{60,})"),
    ("API_KEY", 0.95, r"\b(tfp_[A-Za-z0-9_]{40,}|duffel_(?:test|live)_[A-Za-z0-9_\-=]{43}|frame?io-u-[\w\-=]{60,}|pscale_(?:tkn|pw|oauth)_[\w.\-=]{32,64})"),
    ("API_KEY", 0.9, r"\b(SSWS\s+[A-Za-z0-9_\-]{40,42}|00[A-Za-z0-9_\-]{40})\b"),
    ("API_KEY", 0.95, r"\b(AGE-SECRET-KEY-1[0-9A-Z]{58}|ops_eyJ[A-Za-z0-9+/=]{200,}|A3-[A-Z0-9]{6}-[A-Z0-9]{6,11}(?:-[A-Z0-9]{5}){3,4})"),
    # Tokens with a structure
    ("API_KEY", 0.9, r"\b(ey[JI][A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]{4,}){1,4}|eyJrIjoi[A-Za-z0-9_\-+/]{40,}={0,2})"),
    ("SECRET", 0.9, r"(\$(?:[1567y]|2[abxy]?|apr1|argon2(?:id|[id])|scrypt|pbkdf2[\w\-]*|krb5\w+)\$[^\s\"'<>]{20,})"),
    ("SECRET", 0.9, r"\b(pbkdf2_sha(?:1|256|512)\$[0-9]+\$[^\s\"'<>]{20,}|\{SSHA(?:256|512)?\}[A-Za-z0-9+/=]{20,})"),
    ("PRIVATE_KEY", 0.9, r"\b(LS0tLS1CRUdJTi[A-Za-z0-9+/=]{20,})"),
    # Where they stand
    ("CONNECTION_STRING", 0.95, r"(?i)\b([a-z][a-z0-9+.\-]{1,30}://[^\s:@/\"'<>]{0,100}:[^\s@/\"'<>]{2,200}@[^\s\"'<>]+)"),
    ("CONNECTION_STRING", 0.95, r"(?i)\b((?:Server|Data Source|Provider|AccountName|DefaultEndpointsProtocol|Endpoint)=[^\n\"']{3,300}(?:Password|Pwd|AccountKey|SharedAccessKey)=[^\s;\"']{3,200})"),
    ("API_KEY", 0.9, r"(?i)(?:[?&;](?:sig|signature|x-amz-signature|access_token|api_?key|apikey|auth|token|secret)=)([A-Za-z0-9%+/=_.\-]{16,})"),
    ("SECRET", 0.85, r"(?i)\bauthorization[\"']?\s*[:=]\s*[\"']?(?:bearer|basic|token|apikey|ssws|digest)\s+([A-Za-z0-9._~+/=\-]{8,})"),
    ("SECRET", 0.8, r"(?i)\bbearer\s+([A-Za-z0-9._~+/=\-]{24,})"),
    ("SECRET", 0.85, r"(?i)\b(?:curl|wget|http)\b[^\n|;]{0,300}?(?:-u|--user)[ =][\"']?([^\s:\"'$<{]{2,80}:[^\s\"'$<{]{3,200})"),
    ("SECRET", 0.8, r"(?:^|\s)-u\s+[\"']?([A-Za-z0-9_.\-]{2,80}:[A-Za-z0-9_.+/=\-]{16,200})"),
)  # fmt: skip
"""Label, score, pattern of what stands in one line."""

BLOCKS: tuple[tuple[str, float, str], ...] = (
    ("PRIVATE_KEY", 1.0, r"(-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----[A-Za-z0-9+/=\s\\,:\-]*?-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----)"),
    ("PRIVATE_KEY", 0.9, r"(-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----[A-Za-z0-9+/=\\\r\n]*)"),
    ("PRIVATE_KEY", 0.9, r"\b(PuTTY-User-Key-File-[23]:[^\x00]{0,900}?(?i:Private)-MAC: [0-9a-f]{40,64})"),
)  # fmt: skip
"""The same, over several lines."""
