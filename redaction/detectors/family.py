"""Whether somebody is married, and the children somebody has: ``divorced``, ``father of three``, ``our 4 kids``; in
English, German, French, Spanish, Italian, Portuguese, Dutch and Polish.

Little by itself, and with an age, a profession and a town one person out of a million: what is told of somebody only.
Words alone say nothing (``married couples``, ``two children``), so each form needs a word that ties it to a person:
a verb, a possessive, the name of a form's field. Data only, for RE2.
"""

from __future__ import annotations

from redaction.detectors.linear import SET_OFF, SIGNS

_ADJ = r"(?:[\pL'’-]+ ){0,2}"
_FIELD = (
    rf"[\"'*_]{{0,3}}(?:\s{{0,3}}[:=|>][{SIGNS}]{{0,6}}|\s[-–—]\s|\s(?:is|ist|est|es|è|é|jest)\s|\s{{1,3}})[\"'“„]?"
)

_EN_N = r"(?:\d{1,2}|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twins?|triplets|several)"
_EN_KID = (
    r"(?:kids?|kiddos?|child(?:ren)?|sons?|daughters?|boys?|girls?|toddlers?|teen(?:ager)?s|twins|little ones?"
    r"|(?:grand|step)(?:kids|children|sons?|daughters?))"
)
_EN_PARENT = r"(?:dad|daddy|father|mom|mum|mommy|mummy|mama|mother|parent|grand(?:father|mother|parent|ma|pa|dad|mom))"
_EN_IS = (
    r"(?:(?:i|we|you|he|she|they|who)(?: am| are| was| were| is|['’](?:m|re|s|d been|ve been))|im|am|is|was|were|being|been"
    r"|(?:have|has|had) been|as an?|life as an?)"
)
_EN_HOW = r"(?:\s(?:now|not|never|still|also|both|already|currently|recently|happily|newly|legally|\pL+ly))?"

_MARITAL = (
    rf"{_EN_IS}{_EN_HOW}{SET_OFF}(married|unmarried|divorced|widowed|remarried|childless|separated from (?:my|his|her)|(?:an? )?widow(?:er)?)",
    rf"(?:(?:i|he|she)(?: am| is|['’]m|['’]s)|(?:we|they)(?: are|['’]re)|im){_EN_HOW}{SET_OFF}((?:single|engaged|separated))(?:$|[\"'*_]{{0,3}}(?:[.,;!?)]|\s(?:and|again|now|but|since)))",
    r"(?:i|he|she|we|they)(?:['’]ve| have| has)? (?:got|gotten|getting) (married|divorced|engaged|remarried)",
    r"((?:happily |newly |recently )?(?:married|divorced|widowed)),? (?:to|with|since|for \d|mother|father|mom|mum|dad|parent|life)",
    rf"((?:married|divorced|widowed|unmarried|stay[- ]at[- ]home) {_EN_PARENT}|single (?:mom|mum|mother|dad|father))",
    r"(?:my|our|his|her|their|(?:after|since|through|thru|during) (?:a|an|the)) (?:[\pL]+ ){0,1}(divorce|separation)",
    r"(#(?:married|divorced|widowed)(?:life|dad|mom|mum|father|mother|parent|couple)?|#single(?:life|dad|mom|mum|father|mother|parent))",
    rf"(?:bin|ist|sind|war|waren|glücklich|frisch|wieder|nicht mehr|noch|lebe|lebt|leben|seit \d{{4}})(?: (?:ich|er|sie|wir))?{SET_OFF}(verheiratet|geschieden|verwitwet|ledig|getrennt lebend"
    r"|alleinerziehend)",
    r"(?:ich lebe|er lebt|sie lebt|wir leben)(?: (?:seit|nun) \pL+)? (getrennt)(?:$|[.,;!?)])",
    r"((?:verheiratet|geschieden|verwitwet|alleinerziehend)),? (?:mit|seit|und|von|hat|habe)",
    r"((?:alleinerziehende[rn]?|verwitwete[rn]?|geschiedene[rn]?) (?:vater|mutter|mama|papa))",
    rf"(?:suis|est|es|sommes|étais|était|être|étant|toujours|bien)(?: \pL+ment)?{SET_OFF}((?:mariée?s?|divorcée?s?|veuf|veuve|célibataire"
    r"|pacsée?s?))",
    r"(mariée?s?|pacsée?s?|divorcée?s?) (?:avec|à|depuis|et)",
    r"((?:père|mère|maman|papa) (?:célibataire|divorcée?|veuve|veuf|au foyer))",
    rf"(?:soy|es|estoy|está|estaba|era|estamos|somos|ser)(?: \pL+mente)?{SET_OFF}(casad[oa]s?|divorciad[oa]s?|viud[oa]|solter[oa]s?)",
    r"(casad[oa]s?|divorciad[oa]s?|viud[oa]) (?:con|desde|y|de)",
    r"((?:padre|madre|papá|mamá) (?:solter[oa]|divorciad[oa]|viud[oa]))",
    rf"(?:sono|è|siamo|ero|era|essere)(?: \pL+mente)?{SET_OFF}(sposat[oaie]|divorziat[oaie]|vedov[oa]|separat[oa]|celibe|nubile)",
    r"(sposat[oaie]|divorziat[oaie]|vedov[oa]) (?:con|da|e|di)",
    rf"(?:sou|é|estou|está|era|somos|ser)(?: \pL+mente)?{SET_OFF}(casad[oa]s?|divorciad[oa]s?|viúv[oa]|solteir[oa]s?)",
    r"(casad[oa]s?|divorciad[oa]s?|viúv[oa]) (?:com|há|e|de)",
    rf"(?:ben|is|zijn|was|waren)(?: \pL+)?{SET_OFF}(getrouwd|gehuwd|gescheiden|weduwnaar|weduwe|alleenstaand|ongehuwd|samenwonend|vrijgezel)",
    r"(getrouwd|gehuwd|gescheiden) (?:met|sinds|en|van)",
    r"((?:alleenstaande|gescheiden) (?:vader|moeder|ouder))",
    rf"(?:jestem|jest|był|była|są|jesteśmy|być)(?: \pL+)?{SET_OFF}(żonaty|zamężna|mężatką|rozwiedzion[yai]|rozwódką|wdowcem|wdową|kawalerem"
    r"|panną|singielką|po rozwodzie)",
    r"(żonaty|zamężna) (?:z|od|i)",
    r"((?:samotn[ya]|rozwiedzion[ya]) (?:ojciec|matka|mama|tata))",
)
_STATUS = (
    r"(?:married|divorced|widowed|separated|widow(?:er)?|bachelor|unmarried|verheiratet|geschieden|verwitwet|ledig|getrennt lebend|mariée?|divorcée?"
    r"|veuf|veuve|pacsée?|célibataire|casad[oa]|divorciad[oa]|separad[oa]|viud[oa]|solter[oa]|sposat[oa]|divorziat[oa]|separat[oa]|vedov[oa]"
    r"|viúv[oa]|solteir[oa]|getrouwd|gehuwd|gescheiden|weduwnaar|weduwe|alleenstaand|żonaty|zamężna|rozwiedzion[ya]|wdowiec|wdowa)"
)
_LISTED = (
    rf"(?:[,;(.:]|\n)\s?({_STATUS}),? ?(?:[,;).]|\n|\d)",
    rf"[1-9]\d ?[fmFM]?,\s?((?:{_STATUS}|single))[,;). ]",
)
"""In a row of facts: ``40, divorced, lives in …``."""
_FORM = (
    rf"(?:marital|family|civil|relationship)(?:_| )?status{_FIELD}(single|(?:un|never |re)?married|divorced|widow(?:ed|er)?|separated"
    rf"|engaged|in a relationship|civil partnership|cohabiting|domestic partnership)",
    rf"(?:familienstand|zivilstand){_FIELD}(ledig|verheiratet|geschieden|verwitwet|getrennt(?: lebend)?|verpartnert)",
    rf"(?:[ée]tat civil|situation (?:de famille|familiale|matrimoniale|maritale)){_FIELD}(célibataire|mariée?s?(?:\(e\))?"
    rf"|divorcée?|veuf|veuve|pacsée?|séparée?|en couple|union libre|concubinage)",
    rf"(?:estado civil|situación familiar){_FIELD}(solteir[oa]|solter[oa]|casad[oa]|divorciad[oa]|viud[oa]|viúv[oa]|separad[oa]"
    rf"|pareja de hecho|unión (?:libre|de hecho)|união (?:estável|de facto))",
    rf"stato civile{_FIELD}(celibe|nubile|single|coniugat[oa]|sposat[oa]|divorziat[oa]|vedov[oa]|separat[oa]|unit[oa] civilmente)",
    rf"burgerlijke sta(?:at|nd){_FIELD}(ongehuwd|gehuwd|getrouwd|gescheiden|weduwnaar|weduwe|samenwonend|alleenstaand|vrijgezel)",
    rf"stan cywilny{_FIELD}(kawaler|panna|żonaty|zamężna|mężatka|rozwiedzion[ya]|rozwódka|rozwodnik|wdowiec|wdowa|wdową|kawalerem|panną|po rozwodzie|woln[ya]"
    rf"|w separacji)",
    rf"(?:(?:number|no\.?) of )?(?:children|dependants|dependents){_FIELD}((?:{_EN_N}(?: {_ADJ}{_EN_KID})?|none))(?:$|[^\pL\d])",
)
_DE_N, _DE_KID = (
    r"(?:\d|zwei|drei|vier|fünf|sechs|sieben)",
    r"(?:kindern?|söhnen?|töchtern?|jungs?|jungen|mädchen|mädels|enkeln?|zwillingen?)",
)
_FR_N, _FR_KID = (
    r"(?:\d|deux|trois|quatre|cinq|six|sept)",
    r"(?:enfants?|filles?|fils|garçons?|petits-enfants|ados|jumeaux|jumelles)",
)
_ES_N, _ES_KID = (
    r"(?:\d|dos|tres|cuatro|cinco|seis|siete)",
    r"(?:hij[oa]s|niñ[oa]s|chic[oa]s|niet[oa]s|mellizos|gemelos|gemelas)",
)
_IT_N, _IT_KID = (
    r"(?:\d|due|tre|quattro|cinque|sei|sette)",
    r"(?:figli|figlie|bambini|bambine|bimbi|bimbe|gemelli|gemelle|nipoti)",
)
_PT_N, _PT_KID = (
    r"(?:\d|dois|duas|três|quatro|cinco|seis|sete)",
    r"(?:filh[oa]s|crianças|menin[oa]s|gêmeos|gémeos|gêmeas|net[oa]s)",
)
_NL_N, _NL_KID = (
    r"(?:\d|twee|drie|vier|vijf|zes|zeven)",
    r"(?:kinderen|zonen|zoons|dochters|jongens|meisjes|meiden|kleinkinderen|kids)",
)
_PL_N = r"(?:\d|dwoje|troje|czworo|pięcioro|dwójk[ęai]|trójk[ęai]|czwórk[ęai]|dwóch|trzech|czterech|dwie|trzy|cztery)"
_PL_KID = r"(?:dzieci|synów|synami|córek|córki|córkami|wnuków|wnuczki|wnucząt)"


def _kids(parents: str, of: str, have: str, number: str, kid: str) -> str:
    """``mother of two (small children)``; ``our two (small) children``."""
    return rf"({parents} {of} {number}(?: {_ADJ}{kid})?)|(?:{have}){SET_OFF}({number} {_ADJ}{kid})"


_KIDS = (
    rf"({_EN_PARENT} of (?:one|{_EN_N})(?: {_ADJ}{_EN_KID})?)",
    rf"(?:(?:my|our|raising|parenting|{_EN_PARENT} to|blessed with|(?:i|we)(?:['’]ve| have)(?: got)?|(?:he|she) has|they have|married,? (?:with|and)"
    rf"|(?:my|his|her|their) (?:wife|husband|partner|spouse|ex|hubby)(?: \pL+)? (?:and|&)(?: (?:my|our|his|her|their))?){SET_OFF})"
    rf"((?:a )?{_EN_N} {_ADJ}{_EN_KID}|(?:a )?(?:trio|pair|bunch) of {_EN_KID}|little ones?|no (?:kids|children))",
    rf"(?:his|her|their) ({_EN_N} (?:young |small |little |adult |grown |teenage |minor |beautiful ){{0,2}}{_EN_KID})",
    _kids(r"(?:vater|mutter|papa|mama|eltern|opa|oma|großvater|großmutter)", "von", r"meinen?|meiner|unseren?|unserer|seinen?|ihren?|(?:ich )?habe|wir haben|(?:er|sie) hat|verheiratet,? (?:und|mit)|verheiratet,", _DE_N, _DE_KID),
    _kids(r"(?:père|mère|papa|maman|parents?|grand-père|grand-mère)(?: (?:célibataire|divorcée?|au foyer))?", "de", r"mes|nos|ses|j['’]ai|avons|il a|elle a|mariée?,?(?: et| avec)?", _FR_N, _FR_KID),
    _kids(r"(?:padre|madre|papá|mamá|padres|abuel[oa])(?: (?:solter[oa]|divorciad[oa]))?", "de", r"mis|nuestr[oa]s|sus|tengo|tenemos|casad[oa],?(?: con| y)?", _ES_N, _ES_KID),
    _kids(r"(?:padre|madre|papà|mamma|genitori|nonn[oa])", "di", r"(?:i )?miei|(?:le )?mie|(?:i )?nostri|(?:le )?nostre|(?:i )?suoi|(?:le )?sue|ho|abbiamo|sposat[oa],?(?: con| e)?", _IT_N, _IT_KID),
    _kids(r"(?:pai|mãe|papai|mamãe|pais|avô|avó)(?: solteir[oa])?", "de", r"meus|minhas|nossos|nossas|seus|suas|tenho|temos|casad[oa],?(?: com| e)?", _PT_N, _PT_KID),
    _kids(r"(?:vader|moeder|papa|mama|ouders|opa|oma)", "van", r"mijn|onze|haar|hun|(?:ik )?heb|(?:wij |we )?hebben|getrouwd,?(?: met| en)?|gehuwd,?(?: met| en)?", _NL_N, _NL_KID),
    _kids(r"(?:ojciec|ojcem|matka|matką|tata|tatą|mama|mamą|rodzice|dziadek|babcia)", "", r"mam|mamy|moich|naszych|swoich|mojej|naszej|żonaty,?(?: i| z)?|zamężna,?(?: i| z)?", _PL_N, _PL_KID).replace("  ", " "),
)  # fmt: skip

FAMILY = (_MARITAL, _LISTED, _FORM, _KIDS)
"""Forms that are sought together; the first group that takes part is the finding."""
