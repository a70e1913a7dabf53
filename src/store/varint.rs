//! Numbers and texts as few bytes: LEB128, as in DWARF 5 (section 7.6) and Protocol Buffers, with ZigZag for signed ones.

use super::error::Fault;

/// Bytes being written.
#[derive(Debug, Default)]
pub(super) struct Put(pub(super) Vec<u8>);

impl Put {
    pub(super) fn uint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.push(value.to_le_bytes()[0]);
    }

    /// Small magnitudes of either sign are short.
    pub(super) fn int(&mut self, value: i64) {
        self.uint(((value << 1) ^ (value >> 63)).cast_unsigned());
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.uint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(super) fn maybe_text(&mut self, text: Option<&str>) {
        self.uint(u64::from(text.is_some()));
        if let Some(text) = text {
            self.text(text);
        }
    }
}

/// Bytes being read. They may be anything: every reading can fail, none panics or reserves what is not there.
#[derive(Debug, Clone)]
pub(super) struct Take<'a>(pub(super) &'a [u8]);

impl<'a> Take<'a> {
    pub(super) fn uint(&mut self) -> Result<u64, Fault> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first().ok_or_else(torn)?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(torn())
    }

    pub(super) fn int(&mut self) -> Result<i64, Fault> {
        let raw = self.uint()?;
        Ok((raw >> 1).cast_signed() ^ -((raw & 1).cast_signed()))
    }

    pub(super) fn small<T: TryFrom<u64>>(&mut self) -> Result<T, Fault> {
        T::try_from(self.uint()?).map_err(|_| torn())
    }

    pub(super) fn raw(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let (head, rest) = self.0.split_at_checked(length).ok_or_else(torn)?;
        self.0 = rest;
        Ok(head)
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.small()?;
        self.raw(length)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Fault> {
        std::str::from_utf8(self.bytes()?).map_err(|_| torn())
    }

    pub(super) fn maybe_text(&mut self) -> Result<Option<String>, Fault> {
        match self.uint()? {
            0 => Ok(None),
            1 => Ok(Some(self.text()?.to_owned())),
            _ => Err(torn()),
        }
    }
}

/// What is read is not what was written.
pub(super) fn torn() -> Fault {
    Fault::unreadable("a stored record", "it is damaged")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, prop_assert_eq, proptest};

    use super::*;

    proptest! {
        #[test]
        fn what_is_put_is_taken(a in any::<u64>(), b in any::<i64>(), t in ".*", m in prop::option::of(".*")) {
            let mut put = Put::default();
            put.uint(a);
            put.int(b);
            put.text(&t);
            put.maybe_text(m.as_deref());
            let mut take = Take(&put.0);
            prop_assert_eq!(take.uint().unwrap(), a);
            prop_assert_eq!(take.int().unwrap(), b);
            prop_assert_eq!(take.text().unwrap(), t);
            prop_assert_eq!(take.maybe_text().unwrap(), m);
            prop_assert_eq!(take.0.len(), 0);
        }
    }

    #[test]
    fn a_length_beyond_the_end_is_refused() {
        let mut put = Put::default();
        put.uint(u64::MAX);
        put.0.push(b'x');
        assert!(Take(&put.0).text().is_err());
        assert!(Take(&[0x80; 12]).uint().is_err());
    }
}
