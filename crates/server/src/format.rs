//! How values are printed for people: the same everywhere in pages and packs.

use jiff::Timestamp;

/// A number with three or four significant digits and thousands separators: `1,234`, `0.0452`, `12.3 M`.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_string();
    }
    let size = value.abs();
    if size >= 1e9 {
        format!("{} bn", trimmed(value / 1e9, 2))
    } else if size >= 1e7 {
        format!("{} M", trimmed(value / 1e6, 1))
    } else if size >= 1000.0 {
        grouped(value.round() as i64)
    } else if size >= 100.0 {
        trimmed(value, 1)
    } else if size >= 1.0 {
        trimmed(value, 2)
    } else if value == 0.0 {
        "0".to_string()
    } else {
        let digits = (2 - size.log10().floor() as i32).clamp(2, 12) as usize;
        trimmed(value, digits)
    }
}

/// A whole number with thousands separators.
pub fn grouped(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0 {
        out.push('−');
    }
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A share as per cent: `4.52%`.
pub fn percent(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_string();
    }
    // What is small must not read as nothing.
    if value != 0.0 && value.abs() < 5e-4 {
        return format!("{}%", number(value * 100.0));
    }
    format!("{}%", trimmed(value * 100.0, if value.abs() >= 0.1 { 1 } else { 2 }))
}

/// A probability as per cent; next to nothing and next to certainty are said so.
pub fn probability(p: f64) -> String {
    if p > 0.0 && p < 1e-3 {
        "under 0.1%".to_string()
    } else if p < 1.0 && p > 1.0 - 1e-3 {
        "over 99.9%".to_string()
    } else {
        percent(p)
    }
}

/// A relative change with its sign: `+6.4%`.
pub fn change(value: f64) -> String {
    if value.is_finite() && value > 0.0 {
        format!("+{}", percent(value))
    } else {
        percent(value)
    }
}

/// A difference with its sign.
pub fn signed(value: f64) -> String {
    if value.is_finite() && value > 0.0 {
        format!("+{}", number(value))
    } else {
        number(value)
    }
}

/// A p-value: three digits, exponents below a thousandth.
pub fn p_value(p: f64) -> String {
    if !p.is_finite() {
        "–".to_string()
    } else if p != 0.0 && p < 1e-3 {
        let exponent = p.log10().floor();
        let mantissa = p / 10f64.powf(exponent);
        // Below 1e-300 the power underflows: the exponent alone is meaningful.
        if mantissa.is_finite() {
            format!("{mantissa:.1}e{exponent:.0}")
        } else {
            format!("1e{exponent:.0}")
        }
    } else {
        format!("{p:.3}")
    }
}

/// A value in a metric's unit: money is given in minor units and printed in whole ones, `percent` is a share.
pub fn in_unit(value: f64, unit: Option<&str>, currency: Option<&str>) -> String {
    match (unit, currency) {
        (Some("percent"), _) => percent(value),
        (Some("currency"), Some(code)) => format!("{} {code}", number(value / 10f64.powi(minor_digits(code)))),
        (Some("currency"), None) => format!("{} minor units", number(value)),
        (Some("count") | None, _) => number(value),
        (Some(other), _) => format!("{} {other}", number(value)),
    }
}

/// Digits behind the point of a currency's major unit (ISO 4217).
pub fn minor_digits(currency: &str) -> i32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND" | "VUV"
        | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// As [`in_unit`], with its sign.
pub fn signed_in_unit(value: f64, unit: Option<&str>, currency: Option<&str>) -> String {
    let text = in_unit(value, unit, currency);
    if value.is_finite() && value > 0.0 {
        format!("+{text}")
    } else {
        text
    }
}

/// One line of CSV (RFC 4180), with its line feed.
pub fn csv_line<S: AsRef<str>>(cells: impl IntoIterator<Item = S>) -> String {
    let mut line = String::new();
    for (i, cell) in cells.into_iter().enumerate() {
        let cell = cell.as_ref();
        if i > 0 {
            line.push(',');
        }
        if cell.contains([',', '"', '\n', '\r']) {
            line.push('"');
            line.push_str(&cell.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(cell);
        }
    }
    line.push('\n');
    line
}

/// `2025-04-01`.
pub fn day(at_us: i64) -> String {
    Timestamp::from_microsecond(at_us)
        .map(|t| t.to_zoned_datetime(jiff::tz::TimeZone::UTC).date().to_string())
        .unwrap_or_else(|_| at_us.to_string())
}

/// `2025-04-01 13:05 UTC`.
pub fn minute(at_us: i64) -> String {
    Timestamp::from_microsecond(at_us)
        .map(|t| t.strftime("%Y-%m-%d %H:%M UTC").to_string())
        .unwrap_or_else(|_| at_us.to_string())
}

fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{:.*}", decimals, value.abs());
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    if value < 0.0 && text.bytes().any(|b| b.is_ascii_digit() && b != b'0') {
        format!("−{text}")
    } else {
        text.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_cells_are_quoted_where_they_must_be() {
        assert_eq!(
            csv_line(["a", "b,c", "d\"e", "f\ng"]),
            "a,\"b,c\",\"d\"\"e\",\"f\ng\"\n"
        );
    }

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(number(1234.4), "1,234");
        assert_eq!(number(-0.04521), "−0.0452");
        assert_eq!(number(12_345_678.0), "12.3 M");
        assert_eq!(number(f64::NAN), "–");
        assert_eq!(percent(0.04521), "4.52%");
        assert_eq!(percent(-9.81e-6), "−0.000981%");
        assert_eq!(percent(0.0), "0%");
        assert_eq!(
            [0.0, 1.1e-8, 0.57, 0.9999, 1.0].map(probability),
            ["0%", "under 0.1%", "57%", "over 99.9%", "100%"]
        );
        assert_eq!(change(0.064), "+6.4%");
        assert_eq!(p_value(1.23e-40), "1.2e-40");
        assert_eq!(p_value(0.0312), "0.031");
        assert_eq!(grouped(-1_234_567), "−1,234,567");
    }
}
