//! Personal data: invented people with valid formats. Domains are reserved (RFC 2606), phone numbers lie in ranges
//! kept for fiction where the country has them, and banks do not exist.

use crate::draw::{Draw, Key, Subject};
use crate::population::User;

/// A person's details.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) full_name: String,
    pub(crate) phone: String,
    pub(crate) street: String,
    pub(crate) postcode: String,
    pub(crate) iban: String,
}

const FIRST: [[&str; 12]; 5] = [
    [
        "Anna", "Lukas", "Marie", "Jonas", "Lena", "Felix", "Clara", "Paul", "Greta", "Moritz", "Johanna", "Emil",
    ],
    [
        "Camille", "Hugo", "Manon", "Louis", "Chloe", "Jules", "Ines", "Theo", "Juliette", "Antoine", "Elise", "Remi",
    ],
    [
        "Lucia", "Mateo", "Carmen", "Pablo", "Elena", "Diego", "Marta", "Alvaro", "Sofia", "Javier", "Irene", "Hugo",
    ],
    [
        "Sanne", "Daan", "Fleur", "Bram", "Lotte", "Sem", "Eva", "Thijs", "Noor", "Jesse", "Iris", "Ruben",
    ],
    [
        "Magdalena",
        "Sebastian",
        "Theresa",
        "Florian",
        "Elisabeth",
        "Matthias",
        "Viktoria",
        "Georg",
        "Valentina",
        "Leopold",
        "Helene",
        "Simon",
    ],
];
const LAST: [[&str; 12]; 5] = [
    [
        "Becker",
        "Schneider",
        "Wagner",
        "Hoffmann",
        "Koch",
        "Richter",
        "Klein",
        "Wolf",
        "Neumann",
        "Braun",
        "Vogel",
        "Keller",
    ],
    [
        "Martin", "Bernard", "Dubois", "Laurent", "Moreau", "Girard", "Roux", "Fournier", "Lambert", "Mercier",
        "Blanc", "Garnier",
    ],
    [
        "Garcia", "Romero", "Navarro", "Torres", "Molina", "Serrano", "Castro", "Ortega", "Delgado", "Iglesias",
        "Vidal", "Campos",
    ],
    [
        "de Vries", "Jansen", "Bakker", "Visser", "Smit", "Meijer", "Mulder", "Bos", "Vos", "Peters", "Hendriks",
        "Dekker",
    ],
    [
        "Gruber", "Huber", "Pichler", "Steiner", "Moser", "Leitner", "Eder", "Fuchs", "Winkler", "Lang", "Brunner",
        "Auer",
    ],
];
const STREETS: [[&str; 6]; 5] = [
    [
        "Lindenstr.",
        "Gartenweg",
        "Schulstr.",
        "Bergstr.",
        "Am Anger",
        "Rosenweg",
    ],
    [
        "rue des Lilas",
        "avenue du Parc",
        "rue de la Paix",
        "place du Marche",
        "rue Verte",
        "chemin du Moulin",
    ],
    [
        "Calle Mayor",
        "Calle del Sol",
        "Avenida del Mar",
        "Calle Nueva",
        "Plaza Vieja",
        "Calle Olivo",
    ],
    [
        "Dorpsstraat",
        "Kerkstraat",
        "Molenweg",
        "Parklaan",
        "Beukenlaan",
        "Kanaalweg",
    ],
    [
        "Hauptgasse",
        "Bahngasse",
        "Feldgasse",
        "Wiesenweg",
        "Mozartgasse",
        "Ringweg",
    ],
];
/// First postcode of each city in `CITIES`, and how many follow it.
const POSTCODES: [(u32, u32); 15] = [
    (10_115, 3_000),
    (20_095, 1_500),
    (80_331, 1_500),
    (50_667, 800),
    (75_001, 20),
    (69_001, 9),
    (13_001, 16),
    (28_001, 55),
    (8_001, 42),
    (46_001, 26),
    (1_011, 90),
    (3_011, 80),
    (3_511, 70),
    (1_010, 220),
    (8_010, 60),
];

/// The details of a user; the same for a seed whoever asks.
pub(crate) fn person(seed: u64, user: &User) -> Person {
    let mut draw = Key::new(seed, Subject::Personal, user.id).at(0, 0);
    let country = usize::from(user.country).min(4);
    let first = draw.one(&FIRST[country]);
    let last = draw.one(&LAST[country]);
    let domain = draw.one(&["example.com", "example.org", "example.net"]);
    let handle = last.to_ascii_lowercase().replace(' ', "");
    let email = format!("{}.{}{}@{}", first.to_ascii_lowercase(), handle, user.id, domain);
    let number = 1 + draw.below(120);
    let road = draw.one(&STREETS[country]);
    let street = if country == 1 {
        format!("{number} {road}")
    } else {
        format!("{road} {number}")
    };
    let (base, span) = POSTCODES.get(usize::from(user.city)).copied().unwrap_or((10_115, 1));
    let code = base + draw.below(u64::from(span)) as u32;
    let postcode = match country {
        3 => {
            let letter = |n: u64| char::from(b'A' + (n % 26) as u8);
            // The first letter stops at R: SA, SD and SS are not given out.
            let (a, b) = (letter(draw.below(18)), letter(draw.below(26)));
            format!("{code:04} {a}{b}")
        }
        4 => format!("{code:04}"),
        _ => format!("{code:05}"),
    };
    Person {
        email,
        full_name: format!("{first} {last}"),
        phone: phone(country, user.city, &mut draw),
        street,
        postcode,
        iban: iban(country, &mut draw),
    }
}

fn phone(country: usize, city: u8, draw: &mut Draw) -> String {
    match country {
        // Bundesnetzagentur, numbers for drama: Berlin, Hamburg, Munich, Cologne.
        0 => {
            let n = draw.below(1_000);
            match city {
                0 => format!("+49 30 23125{n:03}"),
                1 => format!("+49 40 66969{n:03}"),
                2 => format!("+49 89 99998{n:03}"),
                _ => format!("+49 221 4710{n:03}"),
            }
        }
        // ARCEP, numbers for audiovisual works.
        1 => {
            let n = draw.below(10_000);
            format!("+33 6 39 98 {:02} {:02}", n / 100, n % 100)
        }
        // Spain, the Netherlands and Austria keep no range: numbers of the right length in blocks not given out.
        2 => format!("+34 600 000 {:03}", draw.below(1_000)),
        3 => format!("+31 6 0000 {:04}", draw.below(10_000)),
        _ => format!("+43 660 000 {:04}", draw.below(10_000)),
    }
}

/// An IBAN whose check digits, and whose national check digits where there are any, are right.
fn iban(country: usize, draw: &mut Draw) -> String {
    match country {
        0 => with_check("DE", &format!("00000000{:010}", draw.below(10_000_000_000))),
        1 => {
            let (bank, branch, account) = (99_999u64, draw.below(100_000), draw.below(100_000_000_000));
            let key = 97 - (89 * bank + 15 * branch + 3 * account) % 97;
            with_check("FR", &format!("{bank:05}{branch:05}{account:011}{key:02}"))
        }
        2 => {
            let (bank, branch, account) = (9_999u64, draw.below(10_000), draw.below(10_000_000_000));
            let first = spanish(&format!("00{bank:04}{branch:04}"));
            let second = spanish(&format!("{account:010}"));
            with_check("ES", &format!("{bank:04}{branch:04}{first}{second}{account:010}"))
        }
        3 => {
            let mut account = 100_000_000 + draw.below(899_000_000);
            while !eleven(account) {
                account += 1;
            }
            with_check("NL", &format!("LARK{account:010}"))
        }
        _ => with_check("AT", &format!("99999{:011}", draw.below(100_000_000_000))),
    }
}

/// Spain's check digit of ten digits.
fn spanish(digits: &str) -> u32 {
    const WEIGHTS: [u32; 10] = [1, 2, 4, 8, 5, 10, 9, 7, 3, 6];
    let sum: u32 = digits.bytes().zip(WEIGHTS).map(|(b, w)| u32::from(b - b'0') * w).sum();
    match 11 - sum % 11 {
        10 => 1,
        11 => 0,
        n => n,
    }
}

/// The Dutch eleven test of nine or ten digits.
fn eleven(account: u64) -> bool {
    let (mut rest, mut sum) = (account, 0);
    for weight in 1..=10 {
        sum += weight * (rest % 10);
        rest /= 10;
    }
    sum % 11 == 0
}

/// ISO 7064 MOD 97-10 over letters and digits, letters counting from A = 10.
pub(crate) fn mod_97(text: &str) -> u64 {
    text.chars().fold(0, |rest, c| match c.to_digit(36) {
        Some(digit) if digit < 10 => (rest * 10 + u64::from(digit)) % 97,
        Some(digit) => (rest * 100 + u64::from(digit)) % 97,
        None => rest,
    })
}

fn with_check(country: &str, account: &str) -> String {
    let check = 98 - mod_97(&format!("{account}{country}00"));
    format!("{country}{check:02}{account}")
}
