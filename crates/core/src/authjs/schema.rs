//! What the tables of a site's session database are called: three presets, and every name by itself.
//!
//! Guards: a name is always quoted, so that whatever it holds is a name and nothing else.

/// A table or a column, as it is called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Name(Vec<String>);

impl Name {
    fn new(text: &str) -> Self {
        Self(vec![text.to_owned()])
    }

    /// A table's name may stand behind its schema's and a dot.
    fn table(text: &str) -> Self {
        Self(text.split('.').map(str::to_owned).collect())
    }

    fn fits(&self) -> bool {
        // PostgreSQL cuts what is longer.
        let fits = |part: &String| (1..=63).contains(&part.len()) && !part.chars().any(char::is_control);
        self.0.len() <= 2 && self.0.iter().all(fits)
    }

    /// In quotation marks, for a statement.
    pub fn quoted(&self) -> String {
        let quote = |part: &String| format!("\"{}\"", part.replace('"', "\"\""));
        self.0.iter().map(quote).collect::<Vec<_>>().join(".")
    }

    /// As it is called, without its schema.
    pub fn bare(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }
}

/// The names of a site's session database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SiteSchema {
    /// The table of sessions.
    pub sessions: Name,
    /// Its column with the token.
    pub token: Name,
    /// Its column with the person.
    pub user: Name,
    /// Its column with the end.
    pub expires: Name,
    /// The table of people.
    pub users: Name,
    /// Its column with the id.
    pub id: Name,
    /// Its column with the e-mail.
    pub email: Name,
    /// Its column with the name.
    pub name: Name,
}

/// Preset, table of sessions, table of people. Source: the schemas of the three adapters.
const PRESETS: [(&str, &str, &str); 3] =
    [("pg", "sessions", "users"), ("prisma", "Session", "User"), ("drizzle", "session", "user")];

impl SiteSchema {
    /// The preset that is taken where none is named.
    pub const DEFAULT: &'static str = "pg";

    /// Reads a preset's name, or names such as `sessions=auth.web_sessions token=session_token`, or both. What is not
    /// named is as in the preset.
    ///
    /// # Errors
    /// The word that cannot be read, and why.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace().peekable();
        let preset = words.next_if(|word| !word.contains('=')).unwrap_or(Self::DEFAULT);
        let known = PRESETS.iter().find(|(name, ..)| *name == preset);
        let (_, sessions, users) =
            known.ok_or_else(|| format!("{preset} is none of pg, prisma and drizzle"))?;
        let mut schema = Self {
            sessions: Name::new(sessions),
            token: Name::new("sessionToken"),
            user: Name::new("userId"),
            expires: Name::new("expires"),
            users: Name::new(users),
            id: Name::new("id"),
            email: Name::new("email"),
            name: Name::new("name"),
        };
        for word in words {
            schema.set(word)?;
        }
        Ok(schema)
    }

    fn set(&mut self, word: &str) -> Result<(), String> {
        let (what, called) =
            word.split_once('=').ok_or_else(|| format!("{word} is not of the form token=name"))?;
        let (place, name) = match what {
            "sessions" => (&mut self.sessions, Name::table(called)),
            "users" => (&mut self.users, Name::table(called)),
            "token" => (&mut self.token, Name::new(called)),
            "user" => (&mut self.user, Name::new(called)),
            "expires" => (&mut self.expires, Name::new(called)),
            "id" => (&mut self.id, Name::new(called)),
            "email" => (&mut self.email, Name::new(called)),
            "name" => (&mut self.name, Name::new(called)),
            _ => {
                return Err(format!(
                    "{what} is none of sessions, token, user, expires, users, id, email and name"
                ));
            }
        };
        if !name.fits() {
            return Err(format!("{called} is no name of 1 to 63 bytes"));
        }
        *place = name;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preset_names_the_tables_as_its_adapter_does() {
        for (preset, sessions, users) in PRESETS {
            let schema = SiteSchema::parse(preset).unwrap();
            assert_eq!((schema.sessions.bare(), schema.users.bare()), (sessions, users));
            assert_eq!(schema.token.quoted(), "\"sessionToken\"");
        }
        assert_eq!(SiteSchema::parse(""), SiteSchema::parse("pg"));
    }

    #[test]
    fn every_name_can_be_another() {
        let schema = SiteSchema::parse(
            "prisma sessions=auth.web_sessions token=session_token user=user_id expires=expires_at users=People id=key \
             email=mail name=full\"name",
        );
        let schema = schema.unwrap();
        assert_eq!(schema.sessions.quoted(), "\"auth\".\"web_sessions\"");
        assert_eq!(schema.token.quoted(), "\"session_token\"");
        assert_eq!(schema.users.quoted(), "\"People\"");
        assert_eq!(schema.name.quoted(), "\"full\"\"name\"");
        assert_eq!(SiteSchema::parse("token=t").unwrap().sessions.bare(), "sessions");
    }

    #[test]
    fn what_is_no_name_is_refused_with_the_word() {
        let long = "x".repeat(64);
        for (text, word) in [
            ("mysql", "mysql"),
            ("pg drizzle", "drizzle"),
            ("pg token", "token"),
            ("pg table=x", "table"),
            ("pg token=", "no name"),
            ("pg sessions=a.b.c", "a.b.c"),
            ("pg sessions=a.", "a."),
            (&format!("pg token={long}"), &long),
        ] {
            let why = SiteSchema::parse(text).unwrap_err();
            assert!(why.contains(word), "{text}: {why}");
        }
    }
}
