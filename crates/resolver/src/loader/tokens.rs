//! `$ORIGIN`, `$LIB` and `$PLATFORM` in paths and names (`ld.so(8)`, "Dynamic string tokens").

/// What the tokens stand for, for the object in whose table they are.
#[derive(Clone, Copy)]
pub(super) struct Values<'a> {
    /// Directory of the object, without a slash at the end.
    pub(super) origin: &'a [u8],
    /// `$LIB`.
    pub(super) lib: &'a [u8],
    /// `$PLATFORM`; some machines have none.
    pub(super) platform: Option<&'a [u8]>,
    /// What a secure start allows; nothing for an ordinary one.
    pub(super) secure: Option<Secure<'a>>,
}

/// The limits of a secure start.
#[derive(Clone, Copy)]
pub(super) struct Secure<'a> {
    /// The built-in directories.
    pub(super) trusted: &'a [Box<[u8]>],
    /// Whether the tokens stand in the program itself: only there must `$ORIGIN` be trusted.
    pub(super) in_main: bool,
}

enum Token {
    Origin,
    Lib,
    Platform,
}

/// Finds the token after a `$`, and its length (glibc `elf/dl-load.c`, `is_dst`). Without braces
/// the next character must not be part of a name, and with them neither, before the brace.
fn token(text: &[u8]) -> Option<(Token, usize)> {
    let (braced, text) = match text.strip_prefix(b"{") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (token, rest) = if let Some(rest) = text.strip_prefix(b"ORIGIN") {
        (Token::Origin, rest)
    } else if let Some(rest) = text.strip_prefix(b"PLATFORM") {
        (Token::Platform, rest)
    } else {
        (Token::Lib, text.strip_prefix(b"LIB")?)
    };
    let length = text.len() - rest.len();
    if braced {
        return (rest.first() == Some(&b'}')).then_some((token, length + 2));
    }
    let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    (!rest.first().is_some_and(in_name)).then_some((token, length))
}

/// Tells whether there is a known token in `text` (glibc `_dl_dst_count`).
pub(super) fn has_token(text: &[u8]) -> bool {
    places(text).any(|at| token(&text[at + 1..]).is_some())
}

/// Tells whether `text` has `$PLATFORM`.
pub(super) fn has_platform(text: &[u8]) -> bool {
    places(text).any(|at| matches!(token(&text[at + 1..]), Some((Token::Platform, _))))
}

fn places(text: &[u8]) -> impl Iterator<Item = usize> {
    text.iter().enumerate().filter(|(_, byte)| **byte == b'$').map(|(at, _)| at)
}

/// Replaces the tokens; nothing if one has no value or is not allowed: what it stands in is then
/// passed over (glibc `_dl_dst_substitute`).
pub(super) fn expand(text: &[u8], values: &Values<'_>) -> Option<Vec<u8>> {
    if !has_token(text) {
        return Some(text.to_vec());
    }
    let mut expanded = Vec::with_capacity(text.len() + values.origin.len());
    let mut check_trust = false;
    let mut at = 0;
    while at < text.len() {
        if text[at] != b'$' {
            expanded.push(text[at]);
            at += 1;
            continue;
        }
        let Some((token, length)) = token(&text[at + 1..]) else {
            expanded.push(b'$');
            at += 1;
            continue;
        };
        let after = at + 1 + length;
        match token {
            Token::Origin => {
                if let Some(secure) = &values.secure {
                    if at != 0 || !matches!(text.get(after), None | Some(b'/')) {
                        return None;
                    }
                    check_trust = secure.in_main;
                }
                expanded.extend_from_slice(values.origin);
            }
            Token::Lib => expanded.extend_from_slice(values.lib),
            Token::Platform => expanded.extend_from_slice(values.platform?),
        }
        at = after;
    }
    match &values.secure {
        Some(secure) if check_trust && !is_trusted(&expanded, secure.trusted) => None,
        _ if expanded.is_empty() => None,
        _ => Some(expanded),
    }
}

/// Tells whether a path lies below a built-in directory, `..` taken textually (glibc
/// `is_trusted_path_normalize`).
fn is_trusted(path: &[u8], trusted: &[Box<[u8]>]) -> bool {
    let mut normal: Vec<u8> = Vec::with_capacity(path.len() + 1);
    let mut rest = path;
    while let [first, after @ ..] = rest {
        if *first == b'/' {
            match after {
                [b'.', b'.', b'/', ..] | [b'.', b'.'] => {
                    while let Some(last) = normal.pop() {
                        if last == b'/' {
                            break;
                        }
                    }
                    rest = &rest[3..];
                    continue;
                }
                [b'.', b'/', ..] | [b'.'] => {
                    rest = &rest[2..];
                    continue;
                }
                _ if normal.last() == Some(&b'/') => {
                    rest = after;
                    continue;
                }
                _ => {}
            }
        }
        normal.push(*first);
        rest = after;
    }
    if normal.last() != Some(&b'/') {
        normal.push(b'/');
    }
    trusted.iter().any(|directory| normal.starts_with(directory))
}

/// Replaces `$ORIGIN` and `${ORIGIN}` as musl does (`ldso/dynlink.c`, `fixup_rpath`): anything else
/// after a `$` makes the whole text void, and there is no check of the character behind the name.
pub(super) fn expand_musl(text: &[u8], origin: &[u8]) -> Option<Vec<u8>> {
    let mut expanded = Vec::with_capacity(text.len() + origin.len());
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == b'$') {
        expanded.extend_from_slice(&rest[..at]);
        let token = &rest[at..];
        rest = token.strip_prefix(b"$ORIGIN").or_else(|| token.strip_prefix(b"${ORIGIN}"))?;
        expanded.extend_from_slice(origin);
    }
    expanded.extend_from_slice(rest);
    Some(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str, secure: Option<Secure<'_>>) -> Option<String> {
        let values = Values {
            origin: b"/opt/app",
            lib: b"lib/x86_64-linux-gnu",
            platform: Some(b"x86_64"),
            secure,
        };
        expand(text.as_bytes(), &values).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn tokens_end_where_a_name_ends() {
        for (text, expected) in [
            ("$ORIGIN/../lib", "/opt/app/../lib"),
            ("${ORIGIN}x/$LIB", "/opt/appx/lib/x86_64-linux-gnu"),
            ("a$ORIGIN-$PLATFORM", "a/opt/app-x86_64"),
            ("$ORIGINX/$ORIGIN_/$ORIGIN9", "$ORIGINX/$ORIGIN_/$ORIGIN9"),
            ("${ORIGIN/$FOO/$", "${ORIGIN/$FOO/$"),
            ("$$ORIGIN", "$/opt/app"),
            ("${ORIGINX}", "${ORIGINX}"),
            ("${LIB}${LIB}", "lib/x86_64-linux-gnulib/x86_64-linux-gnu"),
        ] {
            assert_eq!(expanded(text, None).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_token_without_a_value_drops_the_text() {
        let values = Values { origin: b"/", lib: b"lib", platform: None, secure: None };
        assert_eq!(expand(b"/a/$PLATFORM/b", &values), None);
        assert_eq!(expand(b"/a/$PLATFORMS", &values), Some(b"/a/$PLATFORMS".to_vec()));
    }

    #[test]
    fn a_secure_start_trusts_built_in_directories_alone() {
        let trusted: Vec<Box<[u8]>> = vec![(*b"/opt/").into()];
        let other: Vec<Box<[u8]>> = vec![(*b"/usr/lib/").into()];
        let secure = |trusted, in_main| Some(Secure { trusted, in_main });
        assert_eq!(expanded("$ORIGIN/lib", secure(&trusted, true)).unwrap(), "/opt/app/lib");
        assert_eq!(expanded("$ORIGIN/lib", secure(&other, true)), None);
        assert_eq!(expanded("$ORIGIN/lib", secure(&other, false)).unwrap(), "/opt/app/lib");
        assert_eq!(expanded("$ORIGIN/../../x", secure(&trusted, true)), None);
        assert_eq!(expanded("/$ORIGIN/lib", secure(&trusted, true)), None);
        assert_eq!(expanded("$ORIGIN.d", secure(&trusted, true)), None);
        assert_eq!(expanded("/x/$LIB", secure(&other, true)).unwrap(), "/x/lib/x86_64-linux-gnu");
    }

    #[test]
    fn musl_takes_the_whole_list_or_nothing() {
        let musl = |text: &str| {
            expand_musl(text.as_bytes(), b"/o").map(|bytes| String::from_utf8(bytes).unwrap())
        };
        assert_eq!(musl("$ORIGIN/a:${ORIGIN}/b").unwrap(), "/o/a:/o/b");
        assert_eq!(musl("$ORIGINX").unwrap(), "/oX");
        assert_eq!(musl("/a:$LIB/b"), None);
        assert_eq!(musl("/a:/b").unwrap(), "/a:/b");
    }
}
