//! One value per row, of which some are missing.

use std::collections::HashMap;

/// A value that one bit pattern of is never used.
pub(super) trait Slot: Copy + PartialEq {
    const MISSING: Self;
}

impl Slot for u32 {
    const MISSING: u32 = u32::MAX;
}

impl Slot for u64 {
    /// A NaN that no computation gives.
    const MISSING: u64 = 0x7ff8_dead_beef_0001;
}

/// Values of rows; few are kept by row, many in a row.
#[derive(Debug)]
pub(super) enum Column<T> {
    Sparse(HashMap<u32, T>),
    Dense(Vec<T>),
}

impl<T> Default for Column<T> {
    fn default() -> Column<T> {
        Column::Sparse(HashMap::new())
    }
}

impl<T: Slot> Column<T> {
    pub fn get(&self, row: u32) -> Option<T> {
        let found = match self {
            Column::Sparse(values) => values.get(&row).copied(),
            Column::Dense(values) => values.get(row as usize).copied(),
        };
        found.filter(|v| *v != T::MISSING)
    }

    /// Sets a row's value in a table of so many rows.
    pub fn set(&mut self, row: u32, value: Option<T>, rows: usize) {
        match self {
            Column::Dense(values) => {
                let at = row as usize;
                if at >= values.len() {
                    if value.is_none() {
                        return;
                    }
                    values.resize(at + 1, T::MISSING);
                }
                values[at] = value.unwrap_or(T::MISSING);
            }
            Column::Sparse(values) => {
                match value {
                    Some(value) => drop(values.insert(row, value)),
                    None => drop(values.remove(&row)),
                }
                // An entry of the map takes about four times the room of one in a row.
                if values.len() * 4 >= rows.max(16) {
                    let mut dense = vec![T::MISSING; rows];
                    for (row, value) in values.iter() {
                        dense[*row as usize] = *value;
                    }
                    *self = Column::Dense(dense);
                }
            }
        }
    }

    /// Keeps the marks of rows whose value fits; `missing` says whether a row without one does.
    pub fn keep(&self, marks: &mut [bool], missing: bool, fits: impl Fn(T) -> bool) {
        match self {
            Column::Dense(values) => {
                for (at, mark) in marks.iter_mut().enumerate() {
                    *mark &= match values.get(at) {
                        Some(value) if *value != T::MISSING => fits(*value),
                        _ => missing,
                    };
                }
            }
            Column::Sparse(values) => {
                let mut kept = vec![missing; marks.len()];
                for (row, value) in values {
                    kept[*row as usize] = fits(*value);
                }
                for (mark, kept) in marks.iter_mut().zip(kept) {
                    *mark &= kept;
                }
            }
        }
    }

    /// Bytes in memory, about.
    pub fn size(&self) -> usize {
        match self {
            Column::Sparse(values) => values.capacity() * (size_of::<T>() + 8),
            Column::Dense(values) => values.capacity() * size_of::<T>(),
        }
    }
}

/// Texts of rows, each kept once.
#[derive(Debug, Default)]
pub(super) struct Texts {
    codes: Column<u32>,
    values: Vec<Box<str>>,
    known: HashMap<Box<str>, u32>,
    bytes: usize,
}

impl Texts {
    pub fn get(&self, row: u32) -> Option<&str> {
        let code = self.codes.get(row)?;
        self.values.get(code as usize).map(|v| &**v)
    }

    pub fn set(&mut self, row: u32, value: Option<&str>, rows: usize) {
        let code = value.map(|text| match self.known.get(text) {
            Some(code) => *code,
            None => {
                let code = u32::try_from(self.values.len()).unwrap_or(u32::MAX - 1);
                self.bytes += text.len() * 2 + 64;
                self.values.push(text.into());
                self.known.insert(text.into(), code);
                code
            }
        });
        self.codes.set(row, code, rows);
    }

    /// Keeps the marks of rows whose text fits. Each text is looked at once.
    pub fn keep(&self, marks: &mut [bool], missing: bool, fits: impl Fn(&str) -> bool) {
        let fitting: Vec<bool> = self.values.iter().map(|v| fits(v)).collect();
        self.codes.keep(marks, missing, |code| {
            fitting.get(code as usize).copied().unwrap_or(false)
        });
    }

    pub fn size(&self) -> usize {
        self.codes.size() + self.bytes
    }
}
