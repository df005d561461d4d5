"""Texts about people whom a rule might take for nobody: ``{p}`` bears a famous name, ``{s}`` is a surname, ``{n}`` an
age, ``{j}`` a profession, ``{r}`` a nation or faith. Written before the rules that they test, by somebody else."""

from __future__ import annotations


def _lines(said: str) -> list[str]:
    """One text a line; a line that begins with two spaces goes on, and ``\\n`` is a line break."""
    return [line.replace("\\n", "\n") for line in said.strip().replace("\n  ", " ").split("\n")]


NAMESAKES = (
    "Robert Frost", "William Blake", "Bruce Lee", "Richard Wagner", "Rosa Parks", "Grace Hopper", "Jane Austen",
    "George Washington", "Saddam Hussein", "Harry Potter", "Oliver Twist", "Thomas Edison", "Charles Darwin",
    "Napoleon", "Socrates", "Mozart", "Gandhi", "Shakespeare", "Saladin", "Martin Luther King",
)  # fmt: skip
"""Figures whose names people bear."""
SURNAMES = (
    "Kowalczyk", "Okonkwo", "Nakamura", "Schmidt", "Nowak", "Müller", "Petrov", "Rossi", "Haddad", "Yılmaz", "Nguyen",
    "Eriksson", "Dubois", "Fernández", "Kaplan", "Ivanova", "Horvat", "Zhang", "Banerjee", "Andersson", "Papadopoulos",
    "Szabó", "Lindqvist", "Wójcik", "Achebe", "Tanaka", "Ferreira",
)  # fmt: skip
PROFESSIONS = ("nurse", "midwife", "bus driver", "welder", "kindergarten teacher", "prison guard", "police officer")
NATIONS = ("Somali", "Kurdish", "Jewish", "Chechen", "Yazidi", "Catholic", "Ukrainian", "Muslim")

LIKE_FIGURES = _lines("""
Can you help me write a message to {p}? He has not shown up for two weeks and I think he is drinking again.
What should {p} do about the mould in flat 12?
Summarize: {p} came in on Tuesday with a cough and left without waiting for the doctor.
Please rewrite this politely: {p} keeps parking in front of our garage.
Who is {p} and why did she call three times about the boiler?
Write a reference for {p}, who worked nights at the warehouse from 2019 to 2021.
Tell {p} that the tests were positive.
Is {p} allowed to see the kids without supervision?
Translate into Spanish: {p} was seen leaving the shelter with a black eye.
Can {p} return to work after the burnout?
Draft a note about {p}: HIV positive, lives alone, refuses visits.
What time does {p} finish the shift?
Explain to {p} why the benefits were cut.
Give three options for {p}, who can no longer climb stairs after the stroke.
How do I tell {p} that the dog died?
Does {p} still live with the brother in Leeds?
Find out whether {p} has a criminal record.
List what {p} said in the session about the divorce.
Create a care plan for {p}, aged and blind, in the attic room of the home.
Is the rash of {p} contagious?
Why was {p} suspended from school?
Write a warning to {p} for being late again this month.
What is the history of {p}? Any allergies?
Make a table: {p} - diabetic; Jan Nowak - vegan; Amina Yusuf - nut allergy.
Describe how {p} reacted when the police came.
Please compare the CVs of {p} and Jordan Miller.
Tell me how to get {p} out of the house safely.
Answer this mail: "Hello, {p} fell off the ladder yesterday. Who has to report it?"
Did {p} vote in the works council election?
Complete: The witness {p} stated that he saw the car at noon.
Should {p} be moved to another ward?
Write a eulogy for {p}, who died of an overdose.
How can {p} get asylum after the raid on the mosque?
Can you tell me where {p} goes to church?
Analyze the handwriting of {p} for signs of Parkinson.
What is wrong with {p}? She has not eaten for three days.
Please discuss with {p} the pregnancy and the options.
Generate a plan so that {p} pays back the 4 000 within a year.
Identify who told {p} about the layoffs.
Is {p} the father? The child has his eyes.
Classify this message: "{p} is a thief and everybody on the third floor knows it".
Write a poem for {p}, who is turning forty and just beat cancer.
What does {p} earn compared with the others in the department?
Explain why {p} failed the drug test.
{p} and his wife are separating. Who keeps the flat?
Tell me whether {p} took the pills tonight.
Imagine {p} reads this. How would he feel about the affair?
Give me a script to confront {p} about the missing cash.
Please summarise the story of {p}, who was abused by the coach in the swimming club.
Rewrite: {p} from accounting smells of alcohol.
What was {p} wearing when she disappeared from the campsite?
Who visited {p} in prison?
Is it true that {p} had an abortion?
Write a birthday card for {p} from the whole night shift.
Can the school tell {p} about the autism of the boy?
The book that {p} borrowed is torn. What does the library charge him?
How many days of leave has {p} left?
Does {p} need a visa for the trip to Ghana?
Write to {p}: the biopsy shows nothing.
What program would help {p} with the gambling?
Please tell the story of how {p} lost the house to the bank.
Which bus does {p} take to the clinic?
Provide a short profile of {p}: single mother, two jobs, depressive.
Play the role of a mediator between {p} and the upstairs neighbours.
Could {p} be evicted for the noise?
Describe the character of {p} for the custody file.
Act as a lawyer. {p} hit a cyclist while texting. What now?
What is the best way to help {p} stop cutting herself?
Compose a text to the teacher of {p}: he wets the bed since the move.
When was {p} last seen at the mosque?
Did {p} get home okay after the party in Wedding?
Rewrite this diary entry: {p} shouted at the kids and threw a plate.
Is there any reason {p} should not have the key to the pool?
What would you say to {p} if he lost a child?
Summarize the incident: {p} slipped on the wet floor at 14:10 and hurt the left wrist.
Create flash cards from this: {p} likes cats. {p} takes lithium. {p} hates Mondays.
Give the pros and cons of letting {p} drive the van with epilepsy.
Explain to the parents of {p} that the boy has dyslexia.
Write a recommendation for {p} for the scholarship in Delft.
Proofread: "{p} has been with the choir for nine years and has a burn scar on the neck."
Who wrote the anonymous note about {p} in the kitchen?
What kind of a person is {p}, given that he never greets anybody on the stairs?
Compose a condolence card for the family of {p}.
Which of the three, {p}, Amina or Jan, is the father?
Describe the man: {p}, tall, red hair, tattoo of a snake, limps.
Turn this into bullet points: {p} was diagnosed late, refused chemo and died at home.
How would you break it to {p} that the dog bit the postman?
List all places where {p} was seen with the girl.
What are the rights of {p} as a father who pays nothing?
Generate a name tag and a seat for {p}, wheelchair, by the door.
Can a judge order {p} to do a paternity test?
Translate: {p} drinks since the war and sleeps in the car.
Write a headline about {p}, the caretaker who stole the bikes.
Make this shorter: {p} was late, rude, and smelled of beer on four days.
What does the letter that {p} left on the table mean?
Find the error: if name == "{p}": skip_vaccine = True
How many sick days did {p} take?
Please explain what "{p} is on suicide watch" means.
Why does {p} not answer the door?
Draft a post: {p} from flat 9 found a wallet.
What can {p} do about the stalker?
Tell the story behind the scar of {p}.
What did the philosophy teacher {p} say to the girl?
Explain why {p}, a Roman Catholic, was not given the post.
Who runs the Greek restaurant of {p} while he is in rehab?
{p} discovered the leak in the server room. Who told the press?
Describe the historical values of {p}: HbA1c 9, pressure high.
What did {p}, president of the tennis club, do with the cash?
Why is the tax declaration of {p} late?
Tell me what to do if {p} thought of killing himself.
{p} fled the civil war in Syria and cannot prove it. What papers does he need?
Write a note: {p} was stoic about the amputation.
Which setup wizard did {p} run on the machine?
{p} (b. 1948) refuses dialysis. What are the options?
Explain why {p}, born 1938, lost the licence.
{p} has an existential crisis since the firing. What helps?
What did {p} the painter do in the stairwell?
Who saw {p} at the opera with the secretary?
Which film did {p} hide from the police?
Why was {p} called a nazi at work?
The book {p} borrowed is torn. What does the library charge him?
Summarize the novel treatment that {p} was given.
{p} spent most of his time in the cellar. What did the others notice?
Does the theory exam of {p} count?
Write a poem for {p}, the best night nurse of the century.
Tell a story about {p}, the girl who was bullied in class 7b.
Who was with {p} when the heart stopped?
Who was {p} visiting?
Make a film script: how {p} came out to the parents.
Create a quiz about {p} for the office party.
Compare {p} and the other inmates.
{p} plays King Lear in the prison theatre. What did the guard say?
Explain the invention of {p}, which is not yet filed.
What music does {p} want at the funeral?
Act as {p} and apologise to the residents.
Compare the CVs of {p} and Jane Austen.
Why do {p} and Jane Austen fight on the ward?
What did {p} do to Jane Austen in the changing room?
Tell {p} and Jane Austen that both were fired.
Does {p} know that Jane Austen is pregnant?
Case notes, Monday. {p} arrived late and would not sit down. He says that his brother is after him. Sleep is poor.
  What should be the next step, and who has to be told?
From: front desk. {p} was here again and shouted at the new girl. He wants his papers. Can somebody write him a
  friendly but firm letter?
Ich brauche das auf Englisch. {p} war gestern beim Amt und hat geweint. Can you translate this for the report?
Ticket 4: the laptop of {p} was stolen on the train; there were photos of the children on it. What do we tell the
  family?
# TODO: {p} must not see the row of his ex-wife. Why does the filter not work?
Transcript: "A: did you hear about {p}? B: no, what? A: she lost the baby." Summarize this in one line.
name,shift,remark\\n{p},night,epileptic\\nWhat does this file say?
Observation: {p} does not speak to the other children and bites. Write a short report for the parents.
""")
"""With a request, and none of a figure's affairs."""

LIKE_THINGS = _lines("""
{s} has heart disease.
{s} denies kidney disease but the labs are bad.
{s} with liver disease needs a new appointment.
Room 4: {s} coeliac disease, room 5: empty.
{s} runs the grid for the night shift.
Yesterday {s} wrote the algorithm and then deleted it.
{s} broke the cipher in the audit.
Handover: {s} lyme disease, stable.
{s} mentioned Crohn's disease to the nurse.
I think {s} hides chronic disease from us.
{s} had a sarcoma removed last year.
Please tell {s} about disease prevention.
Chart: {s} metastatic carcinoma, stage III.
{s} suspected down syndrome in the ultrasound.
{s} got nephrotic syndrome after the flu.
the patient, {s} type 2 diabetes, wants a refill
my colleague, {s} type A, is always angry
blood groups: mother, {s} type 0
{s} denied carpal tunnel syndrome on the form.
{s} and disease history
Ms {s} bell palsy left side
{s} solved the equation in class.
{s} develops the new algorithm for the bank.
{s} presented a lemma in the seminar and cried.
Pt {s} known coronary artery disease, smoker.
{s} cannot come, irritable bowel syndrome again.
Does {s} still have pelvic inflammatory disease?
{s} tested for sickle cell disease.
The nurse told {s} that long covid syndrome is not covered.
{s}, cerebral palsy, wheelchair, room 9.
Note: {s} post-traumatic syndrome after the crash.
{s} graft-versus-host disease day 40.
{s} end-stage disease, palliative.
She hates {s} type men.
Notes on {s} type of behaviour in class.
""")
"""A fact beside a surname, not what is called after it."""

LIKE_PRODUCTS = _lines("""
Vacation plan: April ({s}), May (Nowak).
The meeting in April ({s}) was recorded.
Ward list: lisinopril ({s}), metoprolol (Rossi), digoxin (Petrov).
Tested positive for cocaine ({s}), the others were clean.
Ibuprofen ({s}) and codeine at 8 pm.
Who ordered the bisoprolol ({s})?
Morning meds: pantoprazole ({s}), nothing for room 3.
Can you send me the recipe of {s}?
This is a recipe for {s}, she cannot eat gluten.
Print the recipe for {s} and put it in the folder.
The prescription recipe for {s} is missing.
Please forward the recipe from {s}.
The doctor wrote a recipe for {s} yesterday.
Refill amlodipine ({s}) and call back.
Allergic to penicillin ({s}, Nowak).
Ramipril ({s}) morgens, Metformin abends.
On 12 April ({s}) and 3 May there was nobody at the desk.
Give me a recipe for {s}.
Can you find a recipe for {s}?
Pantoprazole ({s}) 40 mg; Nowak gets none.
Blood test: creatine ({s}) too high.
""")
"""A surname where a dish or a remedy might stand."""

AGES = _lines("""
The two women aged {n} were found in the flat.
Our children, from my first marriage, are {n} and 4.
One of the men, aged {n}, was arrested.
The boys are from Lyon, {n} and shy.
Her sons are 8 and {n} years old.
The twins are 5 and {n} years old and live with us.
My kids are aged {n} and 9.
Two patients under observation, {n} and stable.
Our girls, aged {n}, go to the school in the village.
Those two men over there, {n} years old, hit me.
The victims were 17 and {n} years old.
Women on ward 3, aged {n}, refuse the injection.
The children (from Room 2, {n}) have lice.
Adults in the flat: mother from Kabul, {n}.
She is between 40 and {n} years old, I guess, and very thin.
Dear Ms Berg, you are a {n}-year-old with two risks.
You're a {n} year old man, you should stop smoking, said the doctor.
There were patients over there, {n} and 80, screaming.
The people under me, {n} and 71, are loud.
Children above us, {n} and 5, jump all day.
I have two boys between 9 and {n}, both autistic.
The girls aged 11 to {n} in group B were abused.
He looked 30 to {n} years old, with a beard.
My neighbours, 60 and {n} years old, fight.
Imagine: you are a {n}-year-old widow in Riga, that is me.
Mother {n} years old, father unknown.
Patients aged {n} in bed 4 and 60 in bed 5.
""")
"""Ages of some."""

AT_WORK = _lines("""
I work as a {j} can I claim overtime?
As a {j} may I refuse the shift?
My husband was a {j} could he get the pension?
She is a {j} can you find her a place?
Dear Anna, you are a {j} in our ward and we are not happy.
You are the {j} who hit the child, says the letter.
He said to me: you're a {j}, behave.
I'm a single mother and a {j} can I get housing benefit?
I was hired as a {j} should I report the boss?
Hi Tom, you are a good {j} but your contract ends.
""")
"""Professions of some."""

FROM_AFAR = _lines("""
The {r} translator at the asylum office was rude to her.
He is the {r} translator of the family.
Our {r} food vendor is HIV positive.
You are a {r} refugee, the letter says, and must leave by May.
Hi Ali, you're a {r} and you don't need a visa.
""")
"""Nations and faiths of some."""

NUMBERS = _lines("""
My file is 4711 - 123, please check.|4711 - 123
Konto 8812 - 45 bei der Sparkasse.|8812 - 45
The case 2231 - 17 was closed.|2231 - 17
Locker code 5512 - 8, do not share.|5512 - 8
Appointment on 12/5 of the last year.|12/5
Surgery on 3/4 of the current year, discharged a week later.|3/4
Due on 5/8 of the same month? No, 5/8.|5/8
Ref 4711 - 12 = paid|4711 - 12
account (8812 - 45) closed|8812 - 45
1234 - 56) was his PIN|1234 - 56
""")
"""A number or a day (behind the bar) that looks like a sum or a share."""

CASES = _lines("""
A {n} year old man from Gdansk has creatinine 1.4 and weighs 80 kilos. Calculate the clearance.
A {n} year old woman in Bern earns 5400 and has 3 children. How much child support does she get?
Female, {n}, HbA1c 9.1, dose 20 units, 3 meals. How much insulin does she need?
A welder, {n}, from Leeds, 32 years in the plant, salary 38000. What is the total severance?
A teacher in Graz, aged {n}, retires after 32 years with 98000. How much is the pension?
A Somali nurse from Malmö, {n}, owes 12 rents of 640. How much is it in total?
A {n}-year-old in Room 12 takes 3 pills of 20 twice. How many are left from 90?
The defendant is {n}, a baker from Linz, sentenced to 18 months less 4. How many days are left?
A {n} year old pregnant woman, 14 weeks, blood pressure 150 over 95. How often must she be checked?
He is {n}, a roofer from Split, fell 6 meters, 40 percent disabled. What is the amount of the compensation?
She is {n} and takes 3 tablets of 5. What is the total?
""")
"""Ages in questions for an amount, of people with a case."""
