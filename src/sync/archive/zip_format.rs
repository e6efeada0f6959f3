//! What the records of a ZIP archive look like (PKWARE APPNOTE 6.3, section 4.3).
//!
//! The crate for this would switch on a feature of one that the whole AWS SDK is built on.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

pub(super) const LOCAL_HEADER: u32 = 0x0403_4b50;
pub(super) const DATA_DESCRIPTOR: u32 = 0x0807_4b50;
pub(super) const CENTRAL_HEADER: u32 = 0x0201_4b50;
pub(super) const END_64: u32 = 0x0606_4b50;
pub(super) const END_64_LOCATOR: u32 = 0x0706_4b50;
pub(super) const END: u32 = 0x0605_4b50;

/// The flags of an entry (4.4.4).
pub(super) const IS_ENCRYPTED: u16 = 1;
pub(super) const HAS_DESCRIPTOR: u16 = 1 << 3;
pub(super) const IS_UTF8: u16 = 1 << 11;

/// The methods of compression that are read and written (4.4.5).
pub(super) const STORED: u16 = 0;
pub(super) const DEFLATED: u16 = 8;

/// The systems whose entries have the mode of a file (4.4.2).
pub(super) const UNIX: u8 = 3;
pub(super) const MACOS: u8 = 19;

/// The extra fields that are read and written (4.5.3; Info-ZIP's `extrafld.txt`).
pub(super) const ZIP64_FIELD: u16 = 1;
pub(super) const TIME_FIELD: u16 = 0x5455;

/// The first year that DOS knows.
const FIRST_YEAR: i16 = 1980;

/// The first of January 1980, which stands for no time as well.
const FIRST_DAY: (u16, u16) = (0, 1 << 5 | 1);

/// The time and the day of a file as DOS writes them: two seconds are the least it knows.
pub(super) fn to_dos(time: Timestamp) -> (u16, u16) {
    let time = Offset::UTC.to_datetime(time);
    let part = |part: i8| u16::try_from(part).unwrap_or_default();
    let year = u16::try_from(time.year() - FIRST_YEAR).ok();
    let Some(year) = year.filter(|year| *year < 1 << 7) else {
        return FIRST_DAY;
    };
    let half = part(time.second()) / 2;
    let clock = part(time.hour()) << 11 | part(time.minute()) << 5 | half;
    (
        clock,
        year << 9 | part(time.month()) << 5 | part(time.day()),
    )
}

/// The time that DOS has written, as if it were that of Greenwich; whose it is nobody knows.
pub(super) fn from_dos((clock, day): (u16, u16)) -> Option<Timestamp> {
    let part = |bits: u16, shift: u16, mask: u16| i8::try_from(bits >> shift & mask).ok();
    let year = i16::try_from(day >> 9).ok()? + FIRST_YEAR;
    let moment = DateTime::new(
        year,
        part(day, 5, 15)?,
        part(day, 0, 31)?,
        part(clock, 11, 31)?,
        part(clock, 5, 63)?,
        part(clock, 0, 31)? * 2,
        0,
    );
    Offset::UTC.to_timestamp(moment.ok()?).ok()
}

/// Reads numbers from the beginning of a record, little end first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a>(pub(super) &'a [u8]);

impl<'a> Record<'a> {
    /// The next bytes, or `None` where there are fewer.
    pub(super) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.bytes(2)?.try_into().ok()?))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.bytes(4)?.try_into().ok()?))
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.bytes(8)?.try_into().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_dos_are_even_and_begin_in_1980() {
        let second = |second| Timestamp::from_second(second).unwrap();
        let even = second(1_700_000_000);
        assert_eq!(from_dos(to_dos(even)), Some(even));
        assert_eq!(from_dos(to_dos(second(1_700_000_001))), Some(even));
        for outside in [Timestamp::MIN, Timestamp::MAX, second(0)] {
            assert_eq!(to_dos(outside), FIRST_DAY);
        }
        for wrong in [(0, 0), (u16::MAX, FIRST_DAY.1), (0, u16::MAX)] {
            assert_eq!(from_dos(wrong), None);
        }
    }
}
