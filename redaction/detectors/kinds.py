"""National, tax, company, bank and device numbers: python-stdnum's module, our label, the words that name the number.

Data only. Words are lower case; a word that names several kinds stands with each. Codes that identify no person,
organisation, account or device (books, chemicals, securities, postcodes) are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_PEOPLE = """
ar.dni: dni|documento nacional de identidad|documento
be.bis: bis number|bis-nummer|bisnummer|numéro bis
be.eid: eid|identiteitskaart|carte d'identité|identity card
be.nn: rijksregisternummer|rijksregister|numéro national|numéro de registre national|registre national|nn|national number
be.ssn: insz|niss|inss|rijksregisternummer
bg.egn: егн|egn|единен граждански номер
bg.pnf: лнч|pnf|lnch|личен номер на чужденец
br.cpf: cpf|cadastro de pessoas físicas
ca.bc_phn: phn|bc phn|personal health number
ca.sin: sin|social insurance number|social insurance|numéro d'assurance sociale|nas
ch.ssn: ahv-nummer|ahv|avs|no avs|numéro avs|sozialversicherungsnummer|ahv-nr|svnr|numero avs
cn.ric: resident identity card|resident id|身份证|身份证号|身份证号码|居民身份证|chinese id|ric|identity card number
cr.cpf: cédula|cedula|cédula de identidad|cpf
cr.cr: dimex|cédula de residencia|cedula de residencia|residencia
cu.ni: carné de identidad|carnet de identidad|número de identidad|ni
cz.rc: rodné číslo|rč|rodne cislo|birth number
dk.cpr: cpr-nummer|cpr|cpr nummer|cpr-nr|personnummer
do.cedula: cédula|cedula|cédula de identidad
ec.ci: cédula|cedula|cédula de identidad|ci
ee.ik: isikukood|ik|personal code
es.dni: dni|nif|documento nacional de identidad|n.i.f
es.nie: nie|número de identidad de extranjero|identificación de extranjero|n.i.e
fi.hetu: henkilötunnus|hetu|personbeteckning|henkilotunnus|personal identity code
fi.veronumero: veronumero
fr.nir: numéro de sécurité sociale|sécurité sociale|securite sociale|n° sécu|numéro de sécu|nir|insee|n° ss|carte vitale
gb.nhs: nhs|nhs number|nhs no
gr.amka: amka|αμκα
hr.oib: oib|osobni identifikacijski broj
id.nik: nik|nomor induk kependudukan|ktp|no ktp
ie.pps: pps|ppsn|pps number|pps no
il.idnr: israeli id|teudat zehut|מספר זהות|ת.ז|תעודת זהות|mispar zehut|identity number
in_.aadhaar: aadhaar|aadhar|uidai|आधार
in_.epic: voter id|epic|elector's photo|voter card
in_.pan: pan|permanent account number|pan card|pan number
in_.vid: vid|virtual id|aadhaar vid
is_.kennitala: kennitala|kt
it.codicefiscale: codice fiscale|cod. fisc|c.f|cf|cod fiscale|codicefiscale
jp.in_: my number|個人番号|マイナンバー|kojin bangō|individual number
kr.rrn: rrn|주민등록번호|resident registration number|외국인등록번호
lt.asmens: asmens kodas|a.k
mu.nid: nid|national identity card|mauritius id|id number
mx.curp: curp|clave única
my.nric: nric|mykad|ic number|kad pengenalan|no. kp|ic no
nl.bsn: bsn|burgerservicenummer|sofinummer|sofi-nummer|citizen service number
nl.identiteitskaartnummer: identiteitskaart|identiteitskaartnummer|paspoortnummer|paspoort
nl.onderwijsnummer: onderwijsnummer
no.fodselsnummer: fødselsnummer|fodselsnummer|personnummer|fnr|d-nummer|fødselsnr
pe.cui: cui|dni|cédula única de identidad
pk.cnic: cnic|nic|nadra|شناختی کارڈ|nicop
pl.pesel: pesel|nr pesel|numer pesel
pt.cc: cartão de cidadão|cartao de cidadao|bilhete de identidade|número de identificação civil
ro.cnp: cnp|cod numeric personal
se.personnummer: personnummer|pnr|personnr|samordningsnummer|person number
si.emso: emšo|emso|matična številka|jmbg|матични број|jedinstveni matični broj
sk.rc: rodné číslo|rč|rodne cislo|birth number
th.pin: thai id|เลขประจำตัวประชาชน|บัตรประชาชน|national id|pin
tr.tckimlik: t.c. kimlik no|t.c. kimlik|tc kimlik|kimlik no|tckn|tc no|tc kimlik no|türkiye cumhuriyeti kimlik
us.ssn: ssn|social security number|social security|social security no|ss#|soc sec
za.idnr: south african id|sa id|rsa id|id number|identity number|sa id number
at.vnr: versicherungsnummer|sozialversicherungsnummer|svnr|vsnr|sv-nummer|sv-nr
"""

_TAX = """
ad.nrt: nrt|registre tributari
al.nipt: nipt|nuis
ar.cuit: cuit|cuil|clave única de identificación
at.tin: steuernummer|abgabenkontonummer|abgabenkonto|st.-nr|stnr
at.uid: uid|ust-id|ust-idnr|atu|umsatzsteuer-identifikationsnummer|uid-nummer
au.abn: abn|australian business number
au.tfn: tfn|tax file number
az.voen: vöen|voen|tin
be.vat: btw|tva|vat|ondernemingsnummer|btw-nummer|numéro d'entreprise|numéro de tva|n° tva|kbo
bg.vat: ддс|vat|bulstat|еик
br.cnpj: cnpj|cadastro nacional da pessoa jurídica
by.unp: unp|унп
ca.bn: business number|bn|gst|hst|numéro d'entreprise
ch.vat: mwst|mwst-nr|tva|iva|vat|mwst-nummer
cl.rut: rut|run|rol único tributario|rol unico
co.nit: nit|número de identificación tributaria
cn.uscc: uscc|统一社会信用代码|social credit code|unified social credit
cr.cpj: cédula jurídica|cedula juridica|cpj
cy.vat: vat|φπα|αφμ|φ.π.α
cz.dic: dič|dic|vat
de.idnr: steuer-id|steuer-idnr|steueridentifikationsnummer|identifikationsnummer|idnr|steuerliche identifikationsnummer|tin
de.stnr: steuernummer|st.-nr|stnr|steuer-nr|st-nr
de.vat: ust-idnr|ust-id|ust id|umsatzsteuer-id|umsatzsteuer-identifikationsnummer|vat|ust.-idnr|ustid
dk.cvr: cvr|cvr-nummer|cvr-nr|moms|momsnr
do.rnc: rnc|registro nacional del contribuyente
dz.nif: nif|numéro d'identification fiscale|n.i.f
ec.ruc: ruc|registro único de contribuyentes
ee.kmkr: kmkr|käibemaksukohustuslase|km
eg.tn: tax number|tax registration number|tax id|الرقم الضريبي|رقم التسجيل الضريبي
es.cif: cif|nif|c.i.f|código de identificación fiscal
es.nif: nif|iva|n.i.f|número de identificación fiscal
eu.oss: oss|ioss|vat
eu.vat: vat|vat no|vat number|vat id|vat reg|tva|iva|btw|ust-id|mwst|nip|dic|alv|moms|vatin|vat identification number
fi.alv: alv|alv nro|alv-nro|alv-numero|vat
fr.nif: numéro fiscal|numero fiscal|spi|nif|identifiant fiscal|numéro fiscal de référence|tin
fr.tva: tva|n° tva|tva intracommunautaire|numéro de tva|n° de tva|vat
gb.utr: utr|unique taxpayer reference|tax reference
gb.vat: vat|vat number|vat no|vat reg|vat registration
gh.tin: tin|ghana tin
gn.nifp: nifp|nif
gr.vat: αφμ|φπα|afm|vat|α.φ.μ
gt.nit: nit|número de identificación tributaria
hu.anum: anum|adószám|közösségi adószám|vat
id.npwp: npwp|nomor pokok wajib pajak
ie.vat: vat|vat no
in_.gstin: gstin|gst|gst no|gst number
is_.vsk: vsk|virðisaukaskattsnúmer|vsk númer
it.iva: partita iva|p. iva|p.iva|piva|iva|p.i|vat
ke.pin: kra pin|pin|kra
lt.pvm: pvm|pvm kodas|pvm mokėtojo kodas
lu.tva: tva|vat|numéro tva
lv.pvn: pvn|pvn reģistrācijas|vat
mc.tva: tva|n° tva
me.pib: pib|poreski identifikacioni broj
mk.edb: edb|едб|даночен број
mt.vat: vat|vat no
mx.rfc: rfc|registro federal de contribuyentes
mz.nuit: nuit
nl.btw: btw|btw-nummer|btw-id|btw nummer|btw-identificatienummer|omzetbelastingnummer|vat
no.mva: mva|merverdiavgift
nz.ird: ird|ird number|inland revenue|ird no
pe.ruc: ruc|registro único de contribuyentes
pl.regon: regon|nr regon
pl.nip: nip|numer identyfikacji podatkowej|nr nip
pt.nif: nif|contribuinte|nipc|número de contribuinte|número de identificação fiscal|nº contribuinte
py.ruc: ruc
ro.cf: cf|cif|cui|cod de înregistrare|cod fiscal
ro.cui: cui|cif|cod unic de înregistrare
rs.pib: pib|пиб|poreski identifikacioni broj
ru.inn: inn|инн
se.vat: moms|momsnummer|vat|momsregistreringsnummer
si.ddv: davčna številka|ddv|id za ddv|davcna stevilka
sk.dph: ič dph|dph|ic dph
sm.coe: coe|codice operatore economico
sn.ninea: ninea
sv.nit: nit|número de identificación tributaria
th.tin: tin|thai tin|tax id|เลขประจำตัวผู้เสียภาษี
tn.mf: matricule fiscal|mf|matricule fiscale
tr.vkn: vkn|vergi kimlik|vergi no|vergi kimlik numarası
ua.rntrc: rntrc|рнокпп|ірпн|іпн|drfo
us.atin: atin|adoption taxpayer
us.ein: ein|employer identification|fein|tax id
us.itin: itin|individual taxpayer|tax id
us.ptin: ptin|preparer tax
us.tin: tin|tax id|taxpayer
uy.rut: rut
vatin: vat|vatin|vat identification number|vat number
ve.rif: rif|registro de información fiscal
vn.mst: mst|mã số thuế|tax code
za.tin: tax reference|tax number|income tax|tax ref|sars
li.peid: peid
"""

_COMPANIES = """
gb.upn: unique pupil number|upn
ma.ice: ice|identifiant commun de l'entreprise
fo.vn: v-number|v-tal|vinnutal
jp.cn: corporate number|法人番号|hojin bango
kr.brn: brn|사업자등록번호|business registration number|사업자 등록번호
md.idno: idno|idnp
at.businessid: fn|firmenbuch|firmenbuchnummer
au.acn: acn|australian company number
ch.uid: uid|che|ide|idi|unternehmens-identifikationsnummer
de.handelsregisternummer: handelsregister|hrb|hra|registernummer|amtsgericht
do.ncf: ncf|comprobante fiscal
ee.registrikood: registrikood|registry code|registrikoodi
es.cae: cae
es.cups: cups
es.referenciacatastral: referencia catastral|catastro|ref. catastral
eu.at_02: creditor id|gläubiger-id|gläubiger-identifikationsnummer|creditor identifier|ics|identifiant créancier
eu.excise: excise|accise|verbrauchsteuer
fi.associationid: yhdistysrekisteri|rekisterinumero
fi.ytunnus: y-tunnus|ytunnus|business id|fo-nummer
fr.accise: accise
fr.rcs: rcs
fr.siren: siren|n° siren|rcs
fr.siret: siret|n° siret
il.hp: ח.פ|company number|מספר חברה
isni: isni|orcid
no.orgnr: orgnr|org.nr|organisasjonsnummer|org nr|organisation number
ro.onrc: onrc|nr. reg. com|registrul comerțului|j-nr
ru.ogrn: ogrn|огрн|огрнип|ogrnip|psrn
se.orgnr: orgnr|org.nr|organisationsnummer|org nr
sg.uen: uen|unique entity number
si.maticna: matična številka|maticna
th.moa: moa|memorandum of association
tw.ubn: ubn|統一編號|统一编号|unified business number
ua.edrpou: edrpou|єдрпоу
"""

_BANKS = """
ar.cbu: cbu|clave bancaria uniforme
be.ogm_vcs: ogm|vcs|gestructureerde mededeling|communication structurée
bic: bic|swift|swift code|bic/swift|swift/bic
ch.esr: esr|esr reference|isr|qr-referenz|qr-reference|referenznummer|bvr
cz.bankaccount: číslo účtu|bankovní účet|bank account|účet
es.ccc: ccc|código cuenta cliente|cuenta corriente|nº de cuenta|número de cuenta
iso11649: creditor reference|rf reference|structured reference
no.kontonr: kontonr|kontonummer|konto nr|konto
nz.bankaccount: bank account|account number|account
us.rtn: routing number|aba|rtn|routing transit|aba routing|routing
"""

_DEVICES = """
imei: imei|imei number
imsi: imsi
meid: meid
"""

_COINS = "bitcoin: bitcoin|btc|bitcoin address|wallet"


def _table(label: str, lines: str) -> list[tuple[str, str, tuple[str, ...]]]:
    rows = (line.partition(": ") for line in lines.strip().splitlines())
    return [(module, label, tuple(words.split("|"))) for module, _, words in rows]


KINDS = (
    *_table("NATIONAL_ID", _PEOPLE),
    *_table("TAX_ID", _TAX),
    *_table("REFERENCE_NUMBER", _COMPANIES),
    *_table("BANK_ACCOUNT", _BANKS),
    *_table("DEVICE_ID", _DEVICES),
    *_table("CRYPTO", _COINS),
)
"""Module, label, words."""

LABEL_OF: Mapping[str, str] = MappingProxyType(
    {"us.ssn": "US_SSN", "gb.nhs": "MEDICAL_RECORD", "ca.bc_phn": "MEDICAL_RECORD"}
)
"""Kinds whose label differs from that of their list."""

FORMS = r"""
mx.curp: \b[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d\b
mx.rfc: \b[A-ZÑ&]{3,4}-?\d{6}-?[A-Z0-9]{3}\b
it.codicefiscale: \b[A-Z]{6} ?\d[\dLMNP-V] ?[A-EHLMPR-T][\dLMNP-V]{2} ?[A-Z][\dLMNP-V]{3}[A-Z]\b
in_.gstin: \b\d{2}[A-Z]{5}\d{4}[A-Z][A-Z0-9]Z[A-Z0-9]\b
br.cpf: \b\d{3}\.\d{3}\.\d{3}-\d{2}\b
br.cnpj: \b\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}\b
ch.ssn: \b756\.\d{4}\.\d{4}\.\d{2}\b
ch.uid: \bCHE[- ]?\d{3}\.\d{3}\.\d{3}\b
pk.cnic: \b\d{5}-\d{7}-\d\b
fi.hetu: \b\d{6}[\-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]\b
se.personnummer: \b(?:\d{2})?\d{6}[\-+]\d{4}\b
cz.rc: \b\d{6}/\d{3,4}\b
fr.nir: \b[12][ ]?\d{2}[ ]?(?:0[1-9]|1[0-2])[ ]?\d[\dAB][ ]?\d{3}[ ]?\d{3}[ ]?\d{2}\b
be.nn: \b\d{2}\.\d{2}\.\d{2}[\-.]\d{3}[\-.]\d{2}\b
th.pin: \b\d-\d{4}-\d{5}-\d{2}-\d\b
cn.ric: \b\d{6}(?:19|20)\d{9}[\dXx]\b
cl.rut: \b\d{1,2}\.\d{3}\.\d{3}-[\dKk]\b
ar.cuit: \b(?:20|23|24|27|30|33|34)-\d{8}-\d\b
id.npwp: \b\d{2}\.\d{3}\.\d{3}\.\d-\d{3}\.\d{3}\b
co.nit: \b\d{3}\.\d{3}\.\d{3}-\d\b
es.dni: \b\d{8}-?[A-Z]\b
es.nie: \b[XYZ]-?\d{7}-?[A-Z]\b
es.cif: \b[A-HJNPQRSUVW]-?\d{7}-?[0-9A-J]\b
eu.vat: \b(?:AT ?U|BE ?[01]?|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK)[ \-]?[0-9A-Z]{1,3}[\-. ]?\d{3}[\-. ]?\d{3}[0-9B. \-]{0,6}[0-9A-Z]{0,2}\b
kr.rrn: \b\d{6}-[1-8]\d{6}\b
de.handelsregisternummer: \b[A-ZÄÖÜ][\pL]{2,30}(?:[ /(][\pL.]{2,20}\)?){0,3} (?:HRA|HRB|GnR|PR|VR) ?\d{1,6}(?: ?[A-Z]{1,2})?\b
bitcoin: \b(?:[13][a-km-zA-HJ-NP-Z1-9]{25,34}|(?i:bc1[ac-hj-np-z02-9]{11,71}))\b
in_.pan: \b[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]\b
ro.onrc: \b[JFC]\d{1,2}/\d{1,6}/(?:19|20)\d{2}\b
my.nric: \b\d{6}-\d{2}-\d{4}\b
pl.nip: \b\d{3}-(?:\d{3}-\d{2}-\d{2}|\d{2}-\d{2}-\d{3})\b
imei: \b(?:35|86)[ \-]?\d{6}[ \-]?\d{6}[ \-]?\d\b
iso11649: \bRF\d{2} ?[A-Z0-9]{4}[A-Z0-9 ]{0,21}\b
""".strip()
"""Forms so much of their own that they are looked for without a word that names them; the check sum decides."""
