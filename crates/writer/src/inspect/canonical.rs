//! Tells whether a JSON text is the canonical one.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// A JSON value with its fields in the order of the text.
enum Ordered {
    Number(u64),
    Text(String),
    Array(Vec<Ordered>),
    Object(Vec<(String, Ordered)>),
}

/// Tells whether `text` has sorted keys, each once, whole numbers, no `null` and nothing that
/// another text could leave out.
pub(super) fn is_canonical(text: &[u8]) -> bool {
    serde_json::from_slice::<Ordered>(text).is_ok_and(|value| {
        is_sorted(&value) && serde_json::to_vec(&value).is_ok_and(|again| again == text)
    })
}

fn is_sorted(value: &Ordered) -> bool {
    match value {
        Ordered::Number(_) | Ordered::Text(_) => true,
        Ordered::Array(items) => items.iter().all(is_sorted),
        Ordered::Object(fields) => {
            fields.is_sorted_by(|left, right| left.0 < right.0)
                && fields.iter().all(|(_, value)| is_sorted(value))
        }
    }
}

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OrderedVisitor)
    }
}

struct OrderedVisitor;

impl<'de> Visitor<'de> for OrderedVisitor {
    type Value = Ordered;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text, a whole number, an array or an object")
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Ordered, E> {
        Ok(Ordered::Number(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Ordered, E> {
        Ok(Ordered::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Ordered, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element()? {
            array.push(item);
        }
        Ok(Ordered::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Ordered, A::Error> {
        let mut object = Vec::new();
        while let Some(field) = fields.next_entry()? {
            object.push(field);
        }
        Ok(Ordered::Object(object))
    }
}

impl Serialize for Ordered {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Array(items) => items.serialize(serializer),
            Self::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (key, value) in fields {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_canonical;

    #[test]
    fn one_text_of_a_value_is_canonical() {
        for (text, canonical) in [
            (r#"{"a":[1,"x"],"b":{}}"#, true),
            (r#"{"b":1,"a":2}"#, false),
            (r#"{"a":1,"a":1}"#, false),
            (r#"{"a": 1}"#, false),
            ("{}\n", false),
            (r#"{"a":null}"#, false),
            (r#"{"a":1.0}"#, false),
            (r#""\u0041""#, false),
            (r#""\u001f\n""#, true),
            (r#""\/""#, false),
        ] {
            assert_eq!(is_canonical(text.as_bytes()), canonical, "{text}");
        }
    }
}
