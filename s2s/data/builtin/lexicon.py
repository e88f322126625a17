"""The words of the built-in corpus: tables to read, and rules that derive the other forms.

Every table is text, one entry a line, columns parted by `|`. A French side may say which English word each
of its words expresses: `zone/3 économique/2 européenne/1` beside `European Economic Area`; `/?2` is a
possible link only, `/1,2` two sure ones; no mark means all English words of the entry.

The kinds of nouns decide what can be said of them: person group document plan issue mass ill event
place building thing food animal; the lemma of one noun may stand for a kind of its own.
"""

from dataclasses import dataclass

VOWELS = "aàâeéèêëiîïoôœuùûhAÀÂEÉÈÊIÎOÔUH"
"""First letters before which French elides; words that count as starting with none are in `ASPIRATED`."""

ASPIRATED = ("héros", "hibou", "hausse", "huit", "hollandais", "hongrois", "onze")
"""Beginnings of words with an aspirated h, and `onze`."""

BEFORE_VOWEL = {
    "le": "l'", "la": "l'", "de": "d'", "que": "qu'", "ne": "n'", "se": "s'", "me": "m'", "je": "j'",
    "ce": "cet", "ma": "mon", "sa": "son",
}  # fmt: skip
"""What becomes of a function word before a vowel."""

PERSONS = """
minister | ministre | m
president | président | m
teacher | professeur | m
doctor | médecin | m
student | étudiant | m
worker | travailleur | m
farmer | agriculteur | m
journalist | journaliste | m
lawyer | avocat | m
engineer | ingénieur | m
judge | juge | m
neighbour | voisin | m
friend | ami | m
child children | enfant | m
woman women | femme | f
man men | homme | m
girl | fille | f
boy | garçon | m
mother | mère | f
father | père | m
sister | sœur | f
brother | frère | m
director | directeur | m
expert | expert | m
citizen | citoyen | m
patient | patient | m
hero heroes | héros | m
baker | boulanger | m
singer | chanteur | m
writer | écrivain | m
painter | peintre | m
soldier | soldat | m
mayor | maire | m
secretary | secrétaire | f
researcher | chercheur | m
inspector | inspecteur | m
tourist | touriste | m
visitor | visiteur | m
colleague | collègue | m
queen | reine | f
king | roi | m
customer | client | m
witness | témoin | m
passenger | passager | m
victim | victime | f
actress | actrice | f
nurse | infirmière | f
ambassador | ambassadeur | m
"""

GROUPS = """
committee | comité | m
commission | commission | f
government | gouvernement | m
parliament | parlement | m
council | conseil | m
company | entreprise | f
court | tribunal | m
bank | banque | f
agency | agence | f
association | association | f
team | équipe | f
ministry | ministère | m
group | groupe | m
authority | autorité | f
institution | institution | f
delegation | délégation | f
family | famille | f
army | armée | f
party | parti | m
"""

DOCUMENTS = """
agreement | accord | m
treaty | traité | m
report | rapport | m
letter | lettre | f
law | loi | f
contract | contrat | m
directive | directive | f
proposal | proposition | f
document | document | m
text | texte | m
resolution | résolution | f
declaration | déclaration | f
convention | convention | f
regulation | règlement | m
budget | budget | m
article | article | m
book | livre | m
list | liste | f
study | étude | f
recommendation | recommandation | f
certificate | certificat | m
request | demande | f
"""

PLANS = """
policy | politique | f
programme | programme | m
project | projet | m
system | système | m
reform | réforme | f
measure | mesure | f
strategy | stratégie | f
method | méthode | f
service | service | m
activity | activité | f
investment | investissement | m
decision | décision | f
initiative | initiative | f
procedure | procédure | f
"""

ISSUES = """
problem | problème | m
environment | environnement | m
crisis crises | crise | f
situation | situation | f
economy | économie | f
right | droit | m
interest | intérêt | m
risk | risque | m
cost | coût | m
price | prix | m
result | résultat | m
climate | climat | m
culture | culture | f
industry | industrie | f
society | société | f
language | langue | f
difficulty | difficulté | f
increase | hausse | f
"""

UNCOUNTABLE = ("mass", "ill")
"""Kinds that English names without an article."""

MASS = """
peace | paix | f
freedom | liberté | f
security | sécurité | f
trade | commerce | m
health | santé | f
education | éducation | f
research | recherche | f
energy | énergie | f
agriculture | agriculture | f
democracy | démocratie | f
justice | justice | f
tourism | tourisme | m
growth | croissance | f
employment | emploi | m
"""

ILLS = """
unemployment | chômage | m
poverty | pauvreté | f
pollution | pollution | f
"""

EVENTS = """
meeting | réunion | f
conference | conférence | f
war | guerre | f
election | élection | f
debate | débat | m
ceremony | cérémonie | f
concert | concert | m
negotiation | négociation | f
session | session | f
festival festivals | festival festivals | m
strike | grève | f
exhibition | exposition | f
trial | procès | m
campaign | campagne | f
"""

PLACES = """
city | ville | f
village | village | m
country | pays | m
region | région | f
port | port | m
park | parc | m
garden | jardin | m
forest | forêt | f
valley | vallée | f
"""

BUILDINGS = """
airport | aéroport | m
station | gare | f
school | école | f
hospital | hôpital hôpitaux | m
church | église | f
library | bibliothèque | f
factory | usine | f
office | bureau | m
hotel | hôtel | m
house | maison | f
building | bâtiment | m
museum | musée | m
theatre | théâtre | m
restaurant | restaurant | m
shop | magasin | m
castle | château | m
university | université | f
"""

THINGS = """
car | voiture | f
bicycle | vélo | m
table | table | f
door | porte | f
window | fenêtre | f
key | clé | f
machine | machine | f
boat | bateau | m
computer | ordinateur | m
phone | téléphone | m
photograph | photographie | f
hat | chapeau | m
coat | manteau | m
umbrella | parapluie | m
bag | sac | m
watch | montre | f
lamp | lampe | f
box | boîte | f
tool | outil | m
knife knives | couteau | m
bottle | bouteille | f
chair | chaise | f
bed | lit | m
clock | horloge | f
ring | bague | f
gift | cadeau | m
engine | moteur | m
flower | fleur | f
ball | ballon | m
newspaper | journal | m
"""

FOODS = """
apple | pomme | f
cake | gâteau | m
soup | soupe | f
cheese | fromage | m
egg | œuf | m
onion | oignon | m
meal | repas | m
tomato tomatoes | tomate | f
salad | salade | f
"""

ANIMALS = """
cat | chat | m
dog | chien | m
horse | cheval | m
bird | oiseau | m
cow | vache | f
mouse mice | souris | f
wolf wolves | loup | m
bear | ours | m
lion | lion | m
rabbit | lapin | m
duck | canard | m
fox | renard | m
owl | hibou hiboux | m
"""

COMPOUNDS = """
European Economic Area | zone/3 économique/2 européenne/1 | f | issue
European Union | Union/2 européenne/1 | f | group
World Bank | Banque/2 mondiale/1 | f | group
International Monetary Fund | Fonds/3 monétaire/2 international/1 | m | group
World Health Organisation | Organisation/3 mondiale/1 de/?2 la/?2 santé/2 | f | group
road safety committee | comité/3 de/?2 sécurité/2 routière/1 | m | group
foreign affairs committee | commission/3 des/?2 affaires/2 étrangères/1 | f | group
Security Council | Conseil/2 de/?1 sécurité/1 | m | group
human rights court | cour/3 des/?2 droits/2 de/?1 l'/?1 homme/1 | f | group
common agricultural policy | politique/3 agricole/2 commune/1 | f | plan
civil aviation authority | autorité/3 de/?2 l'/?2 aviation/2 civile/1 | f | group
free trade area | zone/3 de/?2 libre-échange/1,2 | f | issue
single European market | marché/3 unique/1 européen/2 | m | issue
nuclear power station | centrale/2,3 nucléaire/1 | f | place
town hall | mairie/1,2 | f | place
railway station | gare/2?1 | f | place
sustainable development strategy | stratégie/3 de/?2 développement/2 durable/1 | f | plan
drinking water supply | approvisionnement/3 en/?2 eau/2 potable/1 | m | issue
air traffic control system | système/4 de/?3 contrôle/3 du/?2 trafic/2 aérien/1 | m | plan
washing machine | machine/2 à/?1 laver/1 | f | thing
coffee cup | tasse/2 à/?1 café/1 | f | thing
apple pie | tarte/2 aux/?1 pommes/1 | f | food
onion soup | soupe/2 à/?1 l'/?1 oignon/1 | f | food
"""

NAMES = """
Mary | Marie | f
Peter | Pierre | m
John | Jean | m
Helen | Hélène | f
Paul | Paul | m
Anne | Anne | f
Louise | Louise | f
Alice | Alice | f
Andrew | André | m
Lucy | Lucie | f
Stephen | Étienne | m
James | Jacques | m
"""

CITIES = """
Paris | Paris
London | Londres
Brussels | Bruxelles
Geneva | Genève
Rome | Rome
Vienna | Vienne
Lisbon | Lisbonne
Athens | Athènes
Berlin | Berlin
Moscow | Moscou
Warsaw | Varsovie
Montreal | Montréal
Edinburgh | Édimbourg
Strasbourg | Strasbourg
"""

COUNTRIES = """
France | France | f
Germany | Allemagne | f
Spain | Espagne | f
Italy | Italie | f
Canada | Canada | m
Japan | Japon | m
Portugal | Portugal | m
Sweden | Suède | f
Belgium | Belgique | f
Brazil | Brésil | m
Denmark | Danemark | m
Austria | Autriche | f
Greece | Grèce | f
Norway | Norvège | f
Mexico | Mexique | m
Egypt | Égypte | f
"""

# English (with `er` where it compares by ending, or its two forms) | French (with a feminine that no rule
# gives; `~` the form before a vowel) | before or after the noun | kinds of nouns
ADJECTIVES = """
new er | nouveau nouvelle ~nouvel | before | document plan group thing place building event
old er | vieux vieille ~vieil | before | person thing place building animal document
beautiful | beau belle ~bel | before | place building thing animal
good better best | bon bonne | before | document plan food meal person
bad worse worst | mauvais | before | document plan food
big bigger biggest | gros grosse | before | animal thing food
large er | grand | before | place building group event table window
small er | petit | before | place building thing animal group
young er | jeune | before | person animal
pretty prettier prettiest | joli | before | thing place building
long er | long longue | before | document event
short er | court | after | document event
important | important | after | document plan issue event group
difficult | difficile | after | problem situation language trial negotiation session debate
easy easier easiest | facile | after | plan
necessary | nécessaire | after | document plan
useful | utile | after | document plan thing
dangerous | dangereux | after | animal situation activity forest machine
serious | grave | after | problem crisis situation risk difficulty
complex | complexe | after | document plan issue
clear er | clair | after | document strategy method decision
known | connu | after | place issue document
famous | célèbre | after | person place building document
expensive | cher chère | after | thing
cheap er | abordable | after | thing food
strong er | fort | after | army team growth horse bear
weak er | faible | after | economy industry team army risk
rich er | riche | after | person city region country company family
poor er | pauvre | after | person region country village
happy happier happiest | heureux | after | person animal
tired | fatigué | after | person animal
sad sadder saddest | triste | after | person
intelligent | intelligent | after | person animal
honest | honnête | after | person
independent | indépendant | after | group person
efficient | efficace | after | group plan
powerful | puissant | after | group
modern | moderne | after | building thing plan
quiet er | tranquille | after | place building animal
clean er | propre | after | place building thing
empty emptier emptiest | vide | after | box bottle building
heavy heavier heaviest | lourd | after | thing
white er | blanc blanche | after | thing animal
black er | noir | after | thing animal
red redder reddest | rouge | after | thing
green greener greenest | vert | after | thing
blue | bleu | after | thing
fresh er | frais fraîche | after | food
hot hotter hottest | chaud | after | food
cold er | froid | after | food climate
delicious | délicieux | after | food
hungry hungrier hungriest | affamé | after | animal
secret | secret secrète | after | document meeting session negotiation plan
detailed | détaillé | after | document
recent | récent | after | document event
ambitious | ambitieux | after | plan document
innovative | innovant | after | plan
controversial | controversé | after | document plan event
"""

# Adjectives that only classify; English stacks them before the noun, French after it, the other way round.
ORIGINS = """
European | européen
French | français
British | britannique
German | allemand
Italian | italien
Spanish | espagnol
American | américain
Canadian | canadien
Dutch | hollandais
Hungarian | hongrois
"""

DOMAINS = """
economic | économique | policy programme reform measure strategy agreement report study crisis situation
national | national | law plan policy budget parliament bank agency council court strategy
international | international | agreement treaty convention conference group meeting campaign crisis
political | politique | reform strategy decision crisis situation party debate campaign problem
social | social | reform policy measure problem crisis situation service
financial | financier | system investment crisis situation report problem institution risk service
agricultural | agricole | policy reform system programme measure industry
environmental | environnemental | policy law directive problem crisis study risk
scientific | scientifique | programme method activity report article book conference institution committee
military | militaire | strategy budget campaign activity hospital
industrial | industriel | policy strategy project crisis region
cultural | culturel | policy project programme festival association activity
public | public publique | service policy debate meeting session bank library
legal | juridique | system document text problem procedure service
marine | marin | environment
natural | naturel | environment park
medical | médical | service report study procedure method
urban | urbain | environment policy
rural | rural | environment region
trade | commercial | agreement treaty policy strategy negotiation contract
energy | énergétique | policy strategy reform crisis
budget | budgétaire | reform procedure crisis regulation
"""

# English | French infinitive | kinds of subjects | kinds of objects
TRANSITIVE = """
sign | signer | person group | document
reject | rejeter | person group | document plan
adopt | adopter | group | document plan
approve | approuver | person group | document plan
publish | publier | person group | document
examine | examiner | person group | document problem risk situation result plan
present | présenter | person group | document plan
write | écrire | person | document
modify | modifier | person group | document plan
translate | traduire | person | document
receive | recevoir | person group | document
receive | recevoir | person | gift flower photograph
accept | accepter | person group | document plan
prepare | préparer | person group | document event
prepare | préparer | person | food
cancel | annuler | person group | event document
ratify | ratifier | group | document
defend | défendre | person group | document plan mass
criticise | critiquer | person group | document plan group
support | soutenir | person group | plan document group
negotiate | négocier | person group | document
understand | comprendre | person | document problem situation decision method
finish | finir | person | document food
find | trouver | person | thing animal document
lose | perdre | person | thing document
keep | garder | person | thing document
choose | choisir | person group | strategy method programme
choose | choisir | person | thing
improve | améliorer | group plan | plan situation economy climate mass
change | changer | group person | plan
finance | financer | group | project programme research campaign study event
reduce | réduire | group plan document | ill risk cost price
develop | développer | group plan | plan
strengthen | renforcer | document plan | mass plan group
create | créer | group | plan group
protect | protéger | document plan group | mass environment economy culture language climate group
analyse | analyser | person group | document issue
manage | gérer | person group | programme project service investment hotel park museum
abandon | abandonner | person group | plan
announce | annoncer | person group | plan event
encourage | encourager | group plan document | mass person
threaten | menacer | crisis war strike | mass economy society environment group
solve | résoudre | person group plan | problem crisis difficulty
control | contrôler | group | place
follow | suivre | person | person event
help | aider | person group | person
thank | remercier | person | person
invite | inviter | person group | person
meet | rencontrer | person | person
know | connaître | person | person place building
love | aimer | person | person place building animal
admire | admirer | person | person place building
see | voir | person animal | person animal place building
call | appeler | person | person
elect | élire | parliament committee party council | person
convince | convaincre | person document | person
greet | saluer | person | person
hire | engager | group | person
hear | entendre | person animal | person animal
warn | avertir | person group | person group
accompany | accompagner | person | person
buy | acheter | person | thing food
buy | acheter | group | building computer machine car
sell | vendre | person | thing food animal
repair | réparer | person | thing
break | casser | person | thing
open | ouvrir | person | box door window bottle letter
close | fermer | person | box door window shop
close | fermer | group | factory school hospital station
steal | voler | person | thing
clean | nettoyer | person | thing building
carry | porter | person | thing
use | utiliser | person | thing
use | utiliser | person group | method system service
hide | cacher | person | thing
take | prendre | person | thing
build | construire | person group | building
destroy | détruire | war | place building
forget | oublier | person | person thing document
eat | manger | person animal | food
taste | goûter | person | food
visit | visiter | person | place building
leave | quitter | person | place building party company
cross | traverser | person animal | place
chase | chasser | animal | animal
feed | nourrir | person | animal
organise | organiser | person group | event
postpone | reporter | person group | event
win | gagner | person party | election trial
describe | décrire | document | problem crisis situation risk plan
concern | concerner | document | issue group mass
discover | découvrir | person | valley village forest castle problem
obtain | obtenir | person group | document
interrupt | interrompre | person group | event
correct | corriger | person | document
fear | craindre | person | animal crisis strike
fear | craindre | animal | bear wolf lion
"""

# English | French | subjects | English preposition (`-`: none) | French preposition (`-`: none) | objects
PREPOSITIONAL = """
depend | dépendre | plan | on | de | plan group economy situation
participate | participer | person group | in | à | event
think | penser | person | about | à | person problem situation
talk | parler | person | about | de | person problem crisis event book
wait | attendre | person | for | - | person event
look | chercher | person | for | - | thing animal person
listen | écouter | person | to | - | person event
obey | obéir | person | - | à | person
attend | assister | person | - | à | event
enter | entrer | person animal | - | dans | building
doubt | douter | person | - | de | document plan
belong | appartenir | thing | to | à | person
contribute | contribuer | person group plan | to | à | plan mass
ask | demander | person | for | - | document
remember | se souvenir | person | - | de | person event place building
apply | s'appliquer | document | to | à | plan group
resist | résister | person group | - | à | army crisis
respond | répondre | person group | to | à | document
go | aller | person | to | à | place building
return | revenir | person | from | de | place building
fight | lutter | person group | against | contre | ill crisis
"""

# English | French | subjects
INTRANSITIVE = """
arrive | arriver | person group animal
come | venir | person
leave | partir | person
stay | rester | person animal
fall | tomber | person animal
work | travailler | person
sleep | dormir | person animal
live | habiter | person
sing | chanter | person
smile | sourire | person
laugh | rire | person
run | courir | person animal
walk | marcher | person
dance | danser | person
succeed | réussir | person plan
fail | échouer | plan
begin | commencer | event
end | se terminer | event
meet | se réunir | group
rest | se reposer | person animal
die | mourir | person animal
disappear | disparaître | animal key bag ring car
"""

# English | French | subjects | kinds of what is given
GIVING = """
give | donner | person | thing food
give | donner | group | document
send | envoyer | person | gift photograph flower book
send | envoyer | person group | document
show | montrer | person | thing document place building
offer | offrir | person | thing food animal
explain | expliquer | person group | document plan problem situation
lend | prêter | person | thing book
recommend | recommander | person | book building method
promise | promettre | person | gift car bicycle ring
"""

# English | French | subjects; followed by `that`
SAYING = """
say | dire | person group
think | penser | person
believe | croire | person
know | savoir | person
hope | espérer | person
announce | annoncer | person group
explain | expliquer | person group
show | montrer | document
declare | déclarer | person group
conclude | conclure | person group document
confirm | confirmer | person group document
learn | apprendre | person
suggest | suggérer | document
"""

# English (with `to` where it has one) | French | French preposition (`-`: none)
MODAL = """
can | pouvoir | -
must | devoir | -
should | devrait | -
want to | vouloir | -
"""

INTENDING = """
decide to | décider | de
hope to | espérer | -
refuse to | refuser | de
try to | essayer | de
begin to | commencer | à
continue to | continuer | à
promise to | promettre | de
forget to | oublier | de
"""

# past and participle that no rule gives
ENGLISH_IRREGULAR = {
    "be": "was been", "have": "had had", "write": "wrote written", "understand": "understood understood",
    "find": "found found", "lose": "lost lost", "keep": "kept kept", "choose": "chose chosen",
    "meet": "met met", "know": "knew known", "see": "saw seen", "hear": "heard heard", "buy": "bought bought",
    "sell": "sold sold", "break": "broke broken", "steal": "stole stolen", "hide": "hid hidden",
    "take": "took taken", "build": "built built", "forget": "forgot forgotten", "eat": "ate eaten",
    "leave": "left left", "feed": "fed fed", "win": "won won", "think": "thought thought", "go": "went gone",
    "fight": "fought fought", "come": "came come", "fall": "fell fallen", "sleep": "slept slept",
    "sing": "sang sung", "run": "ran run", "begin": "began begun", "give": "gave given", "send": "sent sent",
    "show": "showed shown", "lend": "lent lent", "say": "said said", "learn": "learnt learnt",
    "cancel": "cancelled cancelled", "control": "controlled controlled",
}  # fmt: skip

ENGLISH_MODALS = ("can", "must", "should")

# -er verbs whose stem changes where the ending is silent: in the present and the future ...
FRENCH_STRONG_STEMS = {
    "rejeter": "rejett", "appeler": "appell", "acheter": "achèt", "nettoyer": "nettoi", "essayer": "essai",
}  # fmt: skip
# ... or in the present only.
FRENCH_PRESENT_STEMS = {"protéger": "protèg", "espérer": "espèr", "gérer": "gèr", "suggérer": "suggèr"}

# je il nous vous ils | future stem | participle
FRENCH_IRREGULAR = {
    "être": "suis est sommes êtes sont | ser | été",
    "avoir": "ai a avons avez ont | aur | eu",
    "aller": "vais va allons allez vont | ir | allé",
    "venir": "viens vient venons venez viennent | viendr | venu",
    "revenir": "reviens revient revenons revenez reviennent | reviendr | revenu",
    "souvenir": "souviens souvient souvenons souvenez souviennent | souviendr | souvenu",
    "soutenir": "soutiens soutient soutenons soutenez soutiennent | soutiendr | soutenu",
    "obtenir": "obtiens obtient obtenons obtenez obtiennent | obtiendr | obtenu",
    "appartenir": "appartiens appartient appartenons appartenez appartiennent | appartiendr | appartenu",
    "pouvoir": "peux peut pouvons pouvez peuvent | pourr | pu",
    "devoir": "dois doit devons devez doivent | devr | dû",
    "devrait": "devrais devrait devrions devriez devraient | devr | dû",
    "vouloir": "veux veut voulons voulez veulent | voudr | voulu",
    "savoir": "sais sait savons savez savent | saur | su",
    "écrire": "écris écrit écrivons écrivez écrivent | écrir | écrit",
    "décrire": "décris décrit décrivons décrivez décrivent | décrir | décrit",
    "traduire": "traduis traduit traduisons traduisez traduisent | traduir | traduit",
    "réduire": "réduis réduit réduisons réduisez réduisent | réduir | réduit",
    "construire": "construis construit construisons construisez construisent | construir | construit",
    "détruire": "détruis détruit détruisons détruisez détruisent | détruir | détruit",
    "prendre": "prends prend prenons prenez prennent | prendr | pris",
    "comprendre": "comprends comprend comprenons comprenez comprennent | comprendr | compris",
    "apprendre": "apprends apprend apprenons apprenez apprennent | apprendr | appris",
    "recevoir": "reçois reçoit recevons recevez reçoivent | recevr | reçu",
    "voir": "vois voit voyons voyez voient | verr | vu",
    "connaître": "connais connaît connaissons connaissez connaissent | connaîtr | connu",
    "disparaître": "disparais disparaît disparaissons disparaissez disparaissent | disparaîtr | disparu",
    "élire": "élis élit élisons élisez élisent | élir | élu",
    "convaincre": "convaincs convainc convainquons convainquez convainquent | convaincr | convaincu",
    "résoudre": "résous résout résolvons résolvez résolvent | résoudr | résolu",
    "suivre": "suis suit suivons suivez suivent | suivr | suivi",
    "ouvrir": "ouvre ouvre ouvrons ouvrez ouvrent | ouvrir | ouvert",
    "découvrir": "découvre découvre découvrons découvrez découvrent | découvrir | découvert",
    "offrir": "offre offre offrons offrez offrent | offrir | offert",
    "craindre": "crains craint craignons craignez craignent | craindr | craint",
    "dire": "dis dit disons dites disent | dir | dit",
    "croire": "crois croit croyons croyez croient | croir | cru",
    "mourir": "meurs meurt mourons mourez meurent | mourr | mort",
    "partir": "pars part partons partez partent | partir | parti",
    "dormir": "dors dort dormons dormez dorment | dormir | dormi",
    "courir": "cours court courons courez courent | courr | couru",
    "rire": "ris rit rions riez rient | rir | ri",
    "sourire": "souris sourit sourions souriez sourient | sourir | souri",
    "promettre": "promets promet promettons promettez promettent | promettr | promis",
    "interrompre": "interromps interrompt interrompons interrompez interrompent | interrompr | interrompu",
    "conclure": "conclus conclut concluons concluez concluent | conclur | conclu",
    "envoyer": "envoie envoie envoyons envoyez envoient | enverr | envoyé",
}

FRENCH_COMPARATIVES = {
    "good": ("meilleur", "meilleure", "meilleurs", "meilleures"),
    "bad": ("pire", "pire", "pires", "pires"),
}
"""Adjectives that compare without `plus`."""

FRENCH_SUBJUNCTIVE = {
    "être": ("soit", "soient"), "avoir": ("ait", "aient"), "aller": ("aille", "aillent"),
    "pouvoir": ("puisse", "puissent"), "savoir": ("sache", "sachent"), "vouloir": ("veuille", "veuillent"),
}  # fmt: skip
"""Third persons that do not follow the plural of the present."""

NEVER_PASSIVE = (
    "concern",
    "know",
    "see",
    "hear",
    "lose",
    "love",
    "leave",
    "understand",
    "taste",
    "eat",
    "follow",
    "have",
)
"""English verbs that the grammar keeps out of the passive."""

TAKES_ETRE = ("aller", "venir", "revenir", "arriver", "partir", "rester", "tomber", "entrer", "mourir")

# English | French | where English says it: before the verb or after its objects
ADVERBS = """
often | souvent | verb
always | toujours | verb
rarely | rarement | verb
probably | probablement | verb
finally | finalement | verb
also | également | verb
clearly | clairement | verb
quickly | rapidement | end
carefully | soigneusement | end
patiently | patiemment | end
gradually | progressivement | end
easily | facilement | end
openly | ouvertement | end
"""

OPENINGS = """
However | Cependant
Moreover | De plus
Unfortunately | Malheureusement
Fortunately | Heureusement
In fact | En/1 réalité/2
For example | Par/1 exemple/2
In my opinion | À/1 mon/2 avis/3
Nevertheless | Néanmoins
"""

# English | French | tenses that it goes with
TIMES = """
yesterday | hier | past
last week | la/?2 semaine/2 dernière/1 | past
last month | le/?2 mois/2 dernier/1 | past
last year | l'/?2 année/2 dernière/1 | past
last night | la/?2 nuit/2 dernière/1 | past
today | aujourd'hui | present future
now | maintenant | present
this morning | ce/1 matin/2 | past
this year | cette/1 année/2 | past present future
every day | chaque/1 jour/2 | present
every year | chaque/1 année/2 | present
tomorrow | demain | future
tomorrow morning | demain/1 matin/2 | future
next week | la/?2 semaine/2 prochaine/1 | future
next month | le/?2 mois/2 prochain/1 | future
next year | l'/?2 année/2 prochaine/1 | future
soon | bientôt | future
in the evening | le/2?1 soir/3 | present
"""

MONTHS = """
January | janvier
February | février
March | mars
April | avril
May | mai
June | juin
July | juillet
August | août
September | septembre
October | octobre
November | novembre
December | décembre
"""

DAYS = """
Monday | lundi
Tuesday | mardi
Wednesday | mercredi
Thursday | jeudi
Friday | vendredi
Saturday | samedi
Sunday | dimanche
"""

# English singular | plural | French plural | gender
SPANS = """
day | days | jours
week | weeks | semaines
month | months | mois
year | years | ans
hour | hours | heures
"""

NUMBERS = """
two | deux
three | trois
four | quatre
five | cinq
six | six
seven | sept
eight | huit
nine | neuf
ten | dix
eleven | onze
twelve | douze
twenty | vingt
thirty | trente
fifty | cinquante
"""

# English | French | kinds of the noun that follows
PREPOSITIONS = """
with | avec/1 | person
without | sans/1 | person
for | pour/1 | person group
because of | à/1 cause/1 de/2 | crisis strike difficulty ill situation
thanks to | grâce/1 à/2 | person plan
despite | malgré/1 | crisis strike difficulty ill cost risk
before | avant/1 | event
after | après/1 | event
during | pendant/1 | event
near | près/1 de/1 | building
behind | derrière/1 | building
in front of | devant/1,2,3 | building
on behalf of | au/1 nom/2 de/3 | group
"""

# kinds of the noun | English preposition | French | kinds of the noun that follows
ATTRIBUTES = """
minister president director secretary expert ambassador | of | de | group country
teacher doctor journalist lawyer engineer judge researcher | from | de | city
government parliament bank council | of | de | country
commission committee agency association ministry | for | pour | mass
document | on | sur | issue mass ill plan
document | on | sur | mass ill crisis situation
document | of | de | person group
agreement treaty convention contract | between | entre | pair
plan | of | de | group
measure campaign | against | contre | ill
policy programme project reform strategy | for | pour | mass
price cost result | of | de | plan
economy climate culture language industry society | of | de | country
crisis situation | of | de | economy industry
meeting conference debate | on | sur | mass ill problem crisis document
meeting session | of | de | group
election | of | de | president mayor director
library garden car key photograph | of | de | building
museum station airport university theatre hospital port castle church | of | de | city
region city village forest | of | de | country
"""

# English | French; each followed by a clause
CONJUNCTIONS = """
because | parce/1 que/1
when | quand/1
if | si/1
while | pendant/1 que/1
although | bien/1 que/1
"""

# English | French; each opens a sentence and is followed by a clause
PRELUDES = """
It should be noted that | Il/1 convient/2?3 de/?4 noter/4 que/5
It should be added that | Il/1 convient/2?3 d'/?4 ajouter/4 que/5
It should be emphasised that | Il/1 convient/2?3 de/?4 souligner/4 que/5
It must be recalled that | Il/1 faut/2?3 rappeler/4 que/5
It is clear that | Il/1 est/2 clair/3 que/4
It is true that | Il/1 est/2 vrai/3 que/4
It is obvious that | Il/1 est/2 évident/3 que/4
It is certain that | Il/1 est/2 certain/3 que/4
"""

# English | French; each opens a sentence and is followed by an infinitive
NECESSITIES = """
It is necessary to | Il/1 est/2 nécessaire/3 de/4
It is possible to | Il/1 est/2 possible/3 de/4
It is forbidden to | Il/1 est/2 interdit/3 de/4
It is time to | Il/1 est/2 temps/3 de/4
It is difficult to | Il/1 est/2 difficile/3 de/4
"""

FUNCTION_WORDS = """
the a this my our your his her their of to at by on in from between about that who where when why how which
what I he she we you they it him them me us there be have do will not never no more most less least than as
and but all several many every ago o'clock born
""".split()  # noqa: SIM905 - a list of words reads better as text
"""English words that the constructions of the grammar bring in themselves."""


@dataclass(frozen=True)
class Piece:
    """A French word of an entry and the English words of it (0-based) that it expresses."""

    text: str
    sure: tuple[int, ...]
    possible: tuple[int, ...] = ()


@dataclass(frozen=True)
class Idiom:
    """English words and French words that are linked entry by entry, without inflection."""

    en: tuple[str, ...]
    fr: tuple[Piece, ...]
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Noun:
    """`plural` is None for what is only said in the singular: compounds, names, masses."""

    singular: Idiom
    plural: Idiom | None
    gender: str
    kind: str
    lemma: str


@dataclass(frozen=True)
class Adjective:
    """French forms are (masculine, feminine, masculine plural, feminine plural)."""

    en: str
    comparative: str
    superlative: str
    fr: tuple[str, str, str, str]
    before_vowel: str
    precedes: bool
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Verb:
    """A verb; `en` holds base, third person, past and participle.

    `present` and `imperfect` are by person (je, il, nous, vous, ils), `future` is a stem. Only a verb whose
    English past is a French imparfait has an `imperfect`; the others take the passé composé, `with_etre` or
    with avoir. `particle`: the English `to` before an infinitive.
    """

    en: tuple[str, str, str, str]
    infinitive: str
    present: tuple[str, ...]
    future: str
    participle: str
    reflexive: bool = False
    with_etre: bool = False
    particle: str = ""
    imperfect: tuple[str, ...] = ()

    @property
    def base(self) -> str:
        return self.en[0]


@dataclass(frozen=True)
class Frame:
    """What a verb goes with: kinds of subjects and objects, and the prepositions before the object."""

    verb: Verb
    subjects: tuple[str, ...]
    objects: tuple[str, ...] = ()
    en_preposition: str = ""
    fr_preposition: str = ""


@dataclass(frozen=True)
class Attribute:
    """What may follow a noun: a preposition and the kinds of nouns behind it."""

    en: str
    fr: str
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Adverb:
    en: str
    fr: str
    last: bool


@dataclass(frozen=True)
class Determiner:
    """English singular and plural; French masculine, feminine, plural."""

    en: tuple[str, str]
    fr: tuple[str, str, str]
    indefinite: bool = False


@dataclass(frozen=True)
class Pronoun:
    """Subject and object forms; person 1, 2 or 3."""

    en: str
    fr: str
    en_object: str
    fr_direct: str
    fr_indirect: str
    person: int
    plural: bool
    gender: str = "m"


def rows(table: str) -> list[list[str]]:
    """The entries of a table, each a list of columns."""
    return [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]


def idiom(en: str, fr: str, *tags: str) -> Idiom:
    """An entry from its two sides; see the module's docstring for the marks on the French one."""
    words = tuple(en.split())
    pieces = []
    for word in fr.split():
        text, _, marks = word.partition("/")
        sure, _, possible = marks.partition("?")
        if marks:
            pieces.append(Piece(text, _positions(sure), _positions(possible)))
        else:
            pieces.append(Piece(text, tuple(range(len(words)))))
    return Idiom(words, tuple(pieces), tags)


def _positions(marks: str) -> tuple[int, ...]:
    return tuple(int(mark) - 1 for mark in marks.split(",") if mark)


def english_plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")


def french_plural(word: str) -> str:
    if word.endswith(("s", "x", "z")):
        return word
    if word.endswith("al"):
        return word[:-2] + "aux"
    return word + ("x" if word.endswith("eau") else "s")


def french_feminine(adjective: str) -> str:
    for ending, feminine in (("eux", "euse"), ("if", "ive"), ("el", "elle"), ("en", "enne"), ("er", "ère")):
        if adjective.endswith(ending):
            return adjective.removesuffix(ending) + feminine
    return adjective if adjective.endswith("e") else adjective + "e"


def starts_with_vowel(word: str) -> bool:
    """Whether French elides before the word."""
    return word[0] in VOWELS and not word.lower().startswith(ASPIRATED)


def english_an(word: str) -> bool:
    """Whether English says `an` before the word."""
    if word.lower().startswith(("uni", "eu", "use", "one")):
        return False
    return word[0].lower() in "aeiou" or word.lower().startswith(("hon", "hour"))


def _noun(kind: str, en: str, fr: str, gender: str) -> Noun:
    singular, *irregular = en.split()
    french, *french_irregular = fr.split()
    plural = None
    if kind not in UNCOUNTABLE:
        many = irregular[0] if irregular else english_plural(singular)
        plural = idiom(many, french_irregular[0] if french_irregular else french_plural(french))
    return Noun(idiom(singular, french), plural, gender, kind, singular)


def _adjective(en: str, fr: str, position: str, kinds: str) -> Adjective:
    base, *compared = en.split()
    comparative = superlative = ""
    if compared == ["er"]:
        stem = base.removesuffix("e")
        comparative, superlative = stem + "er", stem + "est"
    elif compared:
        comparative, superlative = compared
    forms = [form for form in fr.split() if not form.startswith("~")]
    masculine = forms[0]
    feminine = forms[1] if len(forms) > 1 else french_feminine(masculine)
    before_vowel = next((form[1:] for form in fr.split() if form.startswith("~")), "")
    inflected = (masculine, feminine, french_plural(masculine), french_plural(feminine))
    return Adjective(
        base, comparative, superlative, inflected, before_vowel, position == "before", tuple(kinds.split())
    )


def _english_forms(base: str) -> tuple[str, str, str, str]:
    if base in ENGLISH_MODALS:
        return base, base, base, base
    sibilant = base.endswith(("s", "x", "ch", "sh", "o"))
    if base.endswith("y") and base[-2] not in "aeiou":
        third, past = base[:-1] + "ies", base[:-1] + "ied"
    else:
        third = base + ("es" if sibilant else "s")
        past = base + ("d" if base.endswith("e") else "ed")
    past, _, participle = ENGLISH_IRREGULAR.get(base, f"{past} {past}").partition(" ")
    return base, {"be": "is", "have": "has"}.get(base, third), past, participle


def _french_er(infinitive: str) -> tuple[tuple[str, ...], str, str]:
    stem = infinitive.removesuffix("er")
    strong = FRENCH_STRONG_STEMS.get(infinitive, "")
    silent = strong or FRENCH_PRESENT_STEMS.get(infinitive, stem)
    soft = stem + "e" if stem.endswith("g") else stem[:-1] + "ç" if stem.endswith("c") else stem
    present = (silent + "e", silent + "e", soft + "ons", stem + "ez", silent + "ent")
    return present, (strong or stem) + "er", stem + "é"


def french_forms(infinitive: str) -> tuple[tuple[str, ...], str, str]:
    """Present (je il nous vous ils), future stem and past participle of a French verb."""
    if infinitive in FRENCH_IRREGULAR:
        forms, future, participle = FRENCH_IRREGULAR[infinitive].split(" | ")
        return tuple(forms.split()), future, participle
    if infinitive.endswith("er"):
        return _french_er(infinitive)
    stem = infinitive[:-2]
    if infinitive.endswith("ir"):
        present = tuple(stem + ending for ending in ("is", "it", "issons", "issez", "issent"))
        return present, infinitive, stem + "i"
    return tuple(stem + ending for ending in ("s", "", "ons", "ez", "ent")), infinitive[:-1], stem + "u"


def verb(en: str, fr: str) -> Verb:
    """A verb from its English base (`want to`: with particle) and French infinitive (`se réunir`)."""
    base, _, particle = en.partition(" ")
    infinitive = fr.removeprefix("se ").removeprefix("s'")
    reflexive = infinitive != fr
    forms = french_forms(infinitive)
    with_etre = reflexive or infinitive in TAKES_ETRE
    return Verb(_english_forms(base), infinitive, *forms, reflexive, with_etre, particle)


def _frames(table: str) -> tuple[Frame, ...]:
    """Frames of verbs with at most one object, without a preposition."""
    return tuple(
        Frame(verb(row[0], row[1]), tuple(row[2].split()), tuple(row[3].split()) if len(row) > 3 else ())
        for row in rows(table)
    )


_TABLES = {
    "person": PERSONS, "group": GROUPS, "document": DOCUMENTS, "plan": PLANS, "issue": ISSUES, "mass": MASS,
    "ill": ILLS, "event": EVENTS, "place": PLACES, "building": BUILDINGS, "thing": THINGS, "food": FOODS,
    "animal": ANIMALS,
}  # fmt: skip

KINDS = tuple(_TABLES)

COMPOUND_NOUNS = tuple(Noun(idiom(en, fr), None, gender, kind, en) for en, fr, gender, kind in rows(COMPOUNDS))
NOUNS = {kind: tuple(_noun(kind, en, fr, gender) for en, fr, gender in rows(table)) for kind, table in _TABLES.items()}
"""Nouns by kind, without the compounds; a single noun's lemma is a kind of its own where a table names it."""

NAMED = tuple(Noun(idiom(en, fr), None, gender, "name", en) for en, fr, gender in rows(NAMES))
COUNTRY = tuple(Noun(idiom(en, fr), None, gender, "country", en) for en, fr, gender in rows(COUNTRIES))
CITY = tuple(idiom(en, fr) for en, fr in rows(CITIES))

QUALITIES = tuple(_adjective(*row) for row in rows(ADJECTIVES))
CLASSIFIERS = tuple(_adjective(en, fr, "after", kinds) for en, fr, kinds in rows(DOMAINS))
NATIONALITIES = tuple(_adjective(en, fr, "after", "any") for en, fr in rows(ORIGINS))

TRANSITIVE_FRAMES = _frames(TRANSITIVE)
INTRANSITIVE_FRAMES = _frames(INTRANSITIVE)
SAYING_FRAMES = _frames(SAYING)
GIVING_FRAMES = _frames(GIVING)
PREPOSITIONAL_FRAMES = tuple(
    Frame(verb(en, fr), tuple(s.split()), tuple(o.split()), en_p.strip("-"), fr_p.strip("-"))
    for en, fr, s, en_p, fr_p, o in rows(PREPOSITIONAL)
)
MODAL_FRAMES = tuple(Frame(verb(en, fr), ("person", "group"), (), "", p.strip("-")) for en, fr, p in rows(MODAL))
INTENDING_FRAMES = tuple(
    Frame(verb(en, fr), ("person", "group"), (), "", p.strip("-")) for en, fr, p in rows(INTENDING)
)

_ETRE = french_forms("être")
BE_COPULA = Verb(_english_forms("be"), "être", *_ETRE, imperfect=("étais", "était", "étions", "étiez", "étaient"))
"""Before an adjective: was = était."""
BE_PASSIVE = Verb(_english_forms("be"), "être", *_ETRE)
"""Before a participle: was = a été."""

BE_BORN = Verb(_english_forms("be"), "être", *_ETRE, imperfect=_ETRE[0])
"""Before `born`: was = est."""

ADVERB_LIST = tuple(Adverb(en, fr, place == "end") for en, fr, place in rows(ADVERBS))
OPENING_LIST = tuple(idiom(en, fr) for en, fr in rows(OPENINGS))
TIME_LIST = tuple(idiom(en, fr, *tenses.split()) for en, fr, tenses in rows(TIMES))
MONTH_LIST = tuple(idiom(en, fr) for en, fr in rows(MONTHS))
DAY_LIST = tuple(idiom(en, fr) for en, fr in rows(DAYS))
SPAN_LIST = tuple(idiom(en, fr) for _, en, fr in rows(SPANS))
NUMBER_LIST = tuple(idiom(en, fr) for en, fr in rows(NUMBERS))
PREPOSITION_LIST = tuple(idiom(en, fr, *kinds.split()) for en, fr, kinds in rows(PREPOSITIONS))
ATTRIBUTE_LIST = tuple(
    (tuple(own.split()), Attribute(en, fr, tuple(kinds.split()))) for own, en, fr, kinds in rows(ATTRIBUTES)
)
"""What may follow a noun, by its kind or lemma."""
CONJUNCTION_LIST = tuple(idiom(en, fr) for en, fr in rows(CONJUNCTIONS))
PRELUDE_LIST = tuple(idiom(en, fr) for en, fr in rows(PRELUDES))
NECESSITY_LIST = tuple(idiom(en, fr) for en, fr in rows(NECESSITIES))

THE = Determiner(("the", "the"), ("le", "la", "les"))
A = Determiner(("a", ""), ("un", "une", "des"), indefinite=True)
THIS = Determiner(("this", "these"), ("ce", "cette", "ces"))
# Its plural is made by the grammar, because it is two words of which one agrees: tous les, toutes les.
EVERY = Determiner(("every", "all the"), ("chaque", "chaque", ""))
POSSESSIVES = (
    Determiner(("my", "my"), ("mon", "ma", "mes")),
    Determiner(("his", "his"), ("son", "sa", "ses")),
    Determiner(("her", "her"), ("son", "sa", "ses")),
    Determiner(("our", "our"), ("notre", "notre", "nos")),
    Determiner(("your", "your"), ("votre", "votre", "vos")),
    Determiner(("their", "their"), ("leur", "leur", "leurs")),
)

I = Pronoun("I", "je", "me", "me", "me", 1, False)  # noqa: E741
HE = Pronoun("he", "il", "him", "le", "lui", 3, False)
SHE = Pronoun("she", "elle", "her", "la", "lui", 3, False, "f")
WE = Pronoun("we", "nous", "us", "nous", "nous", 1, True)
YOU = Pronoun("you", "vous", "you", "vous", "vous", 2, True)
THEY = Pronoun("they", "ils", "them", "les", "leur", 3, True)
PRONOUNS = (I, HE, SHE, WE, YOU, THEY)


def lemmas() -> dict[str, frozenset[str]]:
    """Every English lemma of the corpus with the forms in which it can occur."""
    forms: dict[str, set[str]] = {lemma: {lemma} for lemma in FUNCTION_WORDS}
    forms["be"] |= {"is", "are", "am", "was", "were", "been"}
    forms["have"] |= {"has"}
    forms["do"] |= {"does", "did"}
    forms["a"] |= {"an"}
    forms["this"] |= {"these"}
    frames = (
        *TRANSITIVE_FRAMES, *PREPOSITIONAL_FRAMES, *INTRANSITIVE_FRAMES, *GIVING_FRAMES, *SAYING_FRAMES,
        *MODAL_FRAMES, *INTENDING_FRAMES,
    )  # fmt: skip
    for frame in frames:
        forms.setdefault(frame.verb.base, set()).update(frame.verb.en)
    nouns = [noun for table in NOUNS.values() for noun in table]
    for noun in nouns:
        forms.setdefault(noun.lemma, set()).update(noun.singular.en, noun.plural.en if noun.plural else ())
    for adjective in (*QUALITIES, *CLASSIFIERS, *NATIONALITIES):
        forms.setdefault(adjective.en, set()).update(
            {adjective.en, adjective.comparative or adjective.en, adjective.superlative or adjective.en}
        )
    for adverb in ADVERB_LIST:
        forms[adverb.en] = {adverb.en}
    names = [noun.singular for noun in (*NAMED, *COUNTRY)]
    for entry in (*names, *CITY, *MONTH_LIST, *DAY_LIST, *NUMBER_LIST, *CONJUNCTION_LIST):
        forms.setdefault(entry.en[0], set()).add(entry.en[0])
    return {lemma: frozenset(found) for lemma, found in forms.items()}


def count_lemmas() -> int:
    """How many English lemmas the corpus has: words of all classes, compounds and idioms left out."""
    return len(lemmas())
