"""Canaries: one value of every label that a rule or a checksum proves, and a harmless twin of the same look.

Values are reserved, published examples or invented with a right checksum; none belongs to anybody.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Value:
    """``said`` is the text it stands in, ``{}`` where the value goes. A twin of the same look proves nothing."""

    name: str
    label: str
    value: str
    twin: str
    said: str = "Please note {} for later."

    def text(self, spelled: str | None = None) -> str:
        return self.said.format(self.value if spelled is None else spelled)


MAIL = Value("email", "EMAIL_ADDRESS", "quintella.vorhausen@canary-berry.com", "quintella.vorhausen/canary-berry-com")
CARD = Value("card", "CREDIT_CARD", "5425233430109903", "5425233430109904")

_KEY_BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
_PEM = "-----BEGIN {0}-----\n" + _KEY_BODY + "\n-----END {0}-----"

VALUES: tuple[Value, ...] = (
    MAIL,
    CARD,
    Value("card grouped", "CREDIT_CARD", "4000 1234 5678 9017", "4000 1234 5678 9018"),
    Value("card amex", "CREDIT_CARD", "3782 822463 10005", "3782 822463 10006"),
    Value("iban", "IBAN_CODE", "DE89370400440532013000", "DE88370400440532013000"),
    Value("iban grouped", "IBAN_CODE", "GB29 NWBK 6016 1331 9268 19", "GB28 NWBK 6016 1331 9268 19"),
    Value("ssn", "US_SSN", "536-22-8674", "pending", "My SSN: {} is on the form."),
    Value("phone", "PHONE_NUMBER", "+493090182047", "+49", "Call me at {} tomorrow."),
    Value("phone national", "PHONE_NUMBER", "(202) 555-0143", "(202) 5", "Call me at {} tomorrow."),
    Value("ipv4", "IP_ADDRESS", "203.0.113.77", "12.4.1-rc2"),
    Value("ipv6", "IP_ADDRESS", "2001:db8:85a3::8a2e:370:7334", "2001-db8"),
    Value("mac", "MAC_ADDRESS", "00:1b:44:11:3a:b7", "00:1b:44"),
    Value("bitcoin", "CRYPTO", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1A1zP1eP", "Send it to wallet {} please."),
    Value("bitcoin bech32", "CRYPTO", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "bc1q", "To wallet {} please."),
    Value("ethereum", "CRYPTO", "0x52908400098527886E0F7030069857D2E4169EE7", "0x5290840009852788", "My wallet {} ok."),
    Value("uk nino", "NATIONAL_ID", "AB 12 34 56 C", "AB 12 34 56 X"),
    Value("uk nhs", "MEDICAL_RECORD", "943 476 5919", "94 34", "NHS number {} is mine."),
    Value("de tax id", "TAX_ID", "86095742719", "folgt", "Meine Steuer-ID: {}, bitte."),
    Value("es nif", "NATIONAL_ID", "12345678Z", "otro", "Mi DNI es {}, gracias."),
    Value("it fiscal code", "NATIONAL_ID", "RSSMRA85T10A562S", "RSSMRA85", "Codice fiscale {} grazie."),
    Value("pl pesel", "NATIONAL_ID", "44051401359", "w toku", "PESEL: {} prosze."),
    Value("in aadhaar", "NATIONAL_ID", "2341 2341 2346", "2341 2341 234", "Aadhaar {} is mine."),
    Value("sg nric", "NATIONAL_ID", "S1234567D", "S1234567", "NRIC {} is mine."),
    Value("au tfn", "TAX_ID", "876 543 210", "pending", "My tax file number (TFN) is {} here."),
    Value("us passport", "PASSPORT", "C03005988", "pending", "Passport number: {} expires soon."),
    Value("us license", "DRIVER_LICENSE", "D1234562", "blue", "Driver's license: {} expires soon."),
    Value("us passport number", "US_PASSPORT", "546789123", "pending", "My US passport {} expires soon."),
    Value("us state license", "US_DRIVER_LICENSE", "H12234567", "blue", "My driving license permit is {} here."),
    Value("license plate", "LICENSE_PLATE", "BD51 SMR", "red", "The vehicle registration plate is {} here."),
    Value("medical license", "MEDICAL_LICENSE", "BB1388568", "pending", "Her DEA number is {} here."),
    Value("reference number", "REFERENCE_NUMBER", "HRB 12345", "open", "Handelsregister Nummer {} bitte."),
    Value("link", "URL", "https://intranet.canary.example/people/quintella", "the intranet"),
    Value("medical record", "MEDICAL_RECORD", "48291734", "xx", "Patient MRN: {} was seen."),
    Value("bank account", "BANK_ACCOUNT", "9876543210", "12", "Account number: {} please."),
    Value("date of birth", "DATE_OF_BIRTH", "12.03.1987", "soon", "Date of birth: {} on the form."),
    Value("imei", "DEVICE_ID", "35-209900-176148-1", "pending", "IMEI: {} please."),
    Value("aws key", "API_KEY", "AKIAQ7ZK3N5XV2WB9LMT", "AKIA-is-a-prefix"),
    Value("google key", "API_KEY", "AIzaSyB8qk2Xv9LmN4pR7tW1yZ3cF6hJ0dG5sKe", "AIza-is-a-prefix"),
    Value("github token", "API_KEY", "ghp_Zq7Canary4vK2mXw9TbRj5LpYs8NcHd3GfAe", "ghp_is_a_prefix"),
    Value("slack token", "API_KEY", "xoxb-2718281828-3141592653-kQ7wZr2XvB9mT4nL", "xoxb is a prefix"),
    Value("stripe key", "API_KEY", "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "sk_live is a prefix"),
    Value("openai key", "API_KEY", "sk-proj-a8Kq2Zr5TnXw7Bm4Js9Ld3Yc6HfGpE1uR0oT", "sk-proj is a prefix"),
    Value("jwt", "API_KEY", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P", "eyJ"),
    Value("private key", "PRIVATE_KEY", _PEM.format("PRIVATE KEY"), _PEM.format("PUBLIC KEY")[:30]),
    Value("rsa key", "PRIVATE_KEY", _PEM.format("RSA PRIVATE KEY"), "-----BEGIN PUBLIC KEY-----"),
    Value("connection string", "CONNECTION_STRING", "postgresql://svc:kQ7wZr2XvB9m@db.canary.example/prod",
          "postgresql://db.docs.python.org/prod"),
    Value("url with password", "CONNECTION_STRING", "https://svc:kQ7wZr2XvB9m@intranet.canary.example/feed",
          "the intranet feed"),
    Value("azure storage", "CONNECTION_STRING",
          "DefaultEndpointsProtocol=https;AccountName=canary;AccountKey=kQ7wZr2XvB9mT4nLkQ7wZr2XvB9mT4nL==",
          "DefaultEndpointsProtocol=https"),
    Value("password", "PASSWORD", "Tr0ub4dor&3x", "is required", "The password: {} works."),
    Value("bearer", "SECRET", "kQ7wZr2XvB9mT4nLhS5dF8gJ", "of bad news", "Authorization: Bearer {} works."),
)  # fmt: skip
