"""Common given names and surnames of many countries, and people made of them: always the same people for one seed."""

from __future__ import annotations

from random import Random

GERMAN = (
    "Jürgen|Jörg|Björn|Günter|Käthe|Anna-Lena|Karl-Heinz|Hans-Jürgen|Ute|Sabine|Lukas|Felix|Zoë|Annegret|Uwe|Heiko",
    "Müller|Schäfer|Weiß|Groß|Köhler|Jäger|Krüger|Schröder|Lüdenscheidt|von der Leyen|von Hohenzollern-Sigmaringen|"
    "zu Guttenberg|Müller-Lüdenscheidt|Meyer zu Erpen|Vogt|Brandt|Bäcker|Übelacker|Özdemir-Schmidt|von Münchhausen",
)
FRENCH = (
    "Zoé|Chloé|François|Jean-Luc|Jean-Baptiste|Hélène|Gaëlle|Anaïs|Noël|Maëlys|Benoît|Cédric|Loïc|Éléonore|Océane|Aurélie",
    "Lefèvre|d’Arc|D'Alembert|de La Fontaine|du Pré|L’Hôpital|Béranger|Gonçalves|Le Goff|de Saint-Exupéry|"
    "Châtelain|Bœuf|Garçon|Hébert|N'Diaye|Poincaré",
)
POLISH = (
    "Łukasz|Michał|Agnieszka|Małgorzata|Grażyna|Stanisław|Bożena|Zdzisław|Święcisława|Jędrzej|Paweł|Żaneta",
    "Żółć|Wiśniewski|Wójcik|Kowalczyk|Łęcki|Świątek|Brzęczyszczykiewicz|Dąbrowska-Kowalska|Źrebiec|Ćwikła|Śliwa|Skłodowska",
)
TURKISH = (
    "Gökhan|İbrahim|Ayşe|Çağla|Şükrü|Özlem|Ümit|Işıl|Tuğba|Yiğit|Ömer|İlknur|Irmak",
    "Yılmaz|Öztürk|Şahin|Çelik|Güneş|Işık|İnönü|Kılıç|Doğan|Aydın|Ağaoğlu|Üstündağ",
)
VIETNAMESE = (
    "Thị Hương|Văn Đức|Minh Châu|Quốc Bảo|Thùy Linh|Ngọc Ánh|Đình Phúc|Hữu Nghĩa|Thanh Tuyền|Xuân Trường|Mỹ Dung",
    "Nguyễn|Trần|Lê|Phạm|Huỳnh|Hoàng|Phan|Vũ|Võ|Đặng|Bùi|Đỗ|Hồ|Ngô|Dương|Lý",
)
NORDIC = (
    "Åse|Øystein|Søren|Jørgen|Håkon|Björn|Þór|Guðrún|Sigríður|Märta|Päivi|Åke|Kåre|Ingrid|Bjørg|Ægir|Sámuel",
    "Ångström|Østergaard|Kjærgård|Sørensen|Åkesson|Björklund|Þórsdóttir|Guðmundsson|Hämäläinen|Mäkelä|Nygård|Bjørnson|"
    "Næss|Öberg|af Ugglas|Jónsdóttir",
)
SPANISH = (
    "José María Iñaki|Begoña|Jesús|Íñigo|María de los Ángeles|María José|Ramón|Sofía|Raúl|Núria|João|Conceição|Andrés",
    "García López|Núñez de Balboa|Muñoz y Pérez|Fernández de la Vega|Peña|Gómez-Acebo|Ibáñez|de la O|dos Santos|"
    "Araújo|Hernández Rodríguez|Güell",
)
DUTCH_ENGLISH = (
    "Jan-Willem|Saoirse|Sinéad|Seán|Zoë|Renée|Anneke|Piet|Siobhán|Owen|Grace|Jürg|D'Angelo",
    "van der Berg|de Vries|van 't Hoff|'t Hart|O'Connor|O’Brien|Ó Súilleabháin|MacDonald|St. John|Smith-Jones|Ng|Wu|Li|"
    "van den Heuvel|ten Brink|IJzerman|Fitzgerald III",
)
RUSSIAN = (
    "Елена|Юлия|Пётр|Фёдор|Наталья|Геннадий|Ксения|Эдуард|Яна|Жанна|Мария|Сергей|Анна-Мария|Юрий|Илья|Игорь",
    "Ежов|Соловьёв|Щербаков|Хрущёв|Подъячев|Кузнецова|Юрьев|Цветаева|Мусин-Пушкин|Объедков|Воробьёв|Эйзенштейн|Чайковский|"
    "Римский-Корсаков|Семёнов-Тян-Шанский|Щедрин|Рождественская|Ёлкин|Петрова|Иванов",
)
UKRAINIAN = (
    "Сергій|Юлія|Євген|Їжак|Григорій|Олексій|Ольга|Зоряна|Дмитро|В'ячеслав|Наталія|Яків|Ґалаґан|Соломія|Йосип",
    "Шевченко|Згурський|Лук'янчук|Нечуй-Левицький|Їжакевич|Єрмоленко|Щербань|Ющенко|Розгон|Хмельницький|Гадяч|Квітка-Основ’яненко",
)
BULGARIAN = (
    "Мария|София|Йордан|Благой|Щерион|Асен|Цветанка|Ивайло|Радостин|Гьокче|Кръстьо|Юлиян",
    "Иванов|Щъркелов|Йорданов|Кръстев|Жечев|Цанков|Хаджиев|Попдимитров|Кирчев-Стоянов|Ангелов|Тодорова|Вълчев",
)
SERBIAN = (
    "Ђорђе|Љубица|Његош|Жељко|Џејлан|Милош|Ћира|Шћепан|Јелена|Драган|Стојан|Надежда",
    "Ђорђевић|Петровић-Његош|Живковић|Љубичић|Његован|Шћекић|Хаџић|Ћирић|Јовановић|Чанак|Обрадовић|Џајић",
)
GREEK = (
    "Γιώργος|Ευάγγελος|Μπάμπης|Αύγουστος|Παύλος|Ειρήνη|Χριστίνα|Θεοδώρα|Ψηλός|Σταύρος|Ηλίας|Αναστασία|Άγγελος|Εύα",
    "Παπαδόπουλος|Βενιζέλος|Μπουμπουλίνα|Χατζηγιάννης|Καραμανλής|Τσίπρας|Ντάνος|Γκίκας|Παπακωνσταντίνου-Μαυροκορδάτου|"
    "Αγγελόπουλος|Σφυρής|Οικονόμου|Ξυδάκης|Ψαρράς|Ζωγράφος",
)
EVERYWHERE = (
    *(GERMAN, FRENCH, POLISH, TURKISH, VIETNAMESE, NORDIC, SPANISH, DUTCH_ENGLISH),
    *(RUSSIAN, UKRAINIAN, BULGARIAN, SERBIAN, GREEK),
)


def given_names(country: tuple[str, str]) -> list[str]:
    return country[0].split("|")


def surnames(country: tuple[str, str]) -> list[str]:
    return country[1].split("|")


def people(number: int, seed: int = 6, countries: tuple[tuple[str, str], ...] = EVERYWHERE) -> list[tuple[str, str]]:
    """(given name, family name) of `number` people; some have two given names, some two surnames, as people do."""
    random = Random(seed)  # noqa: S311 - not a secret
    found = []
    for _ in range(number):
        country = random.choice(countries)
        given, family = random.choice(given_names(country)), random.choice(surnames(country))
        if random.random() < 0.3:
            given += random.choice(" -") + random.choice(given_names(country))
        if random.random() < 0.15:
            family += random.choice(" -") + random.choice(surnames(country))
        found.append((given, family))
    return found
