//! Users and groups: from names to numbers, and to the lines of `/etc/passwd` and `/etc/group`.

use imgc_parser::{
    Account, Facility, Group, Id, ImagePath, Owner, Recipe, Span, Spanned, Statement, User,
};

use crate::lower::PlanError;
use crate::node::{Attributes, NodeKind, Text};

/// Users that every system has, each with a group of its name and number. `nonroot` is whom an image
/// runs as if its recipe names nobody else.
const USUAL: [(&str, Id, &str); 3] = [
    ("root", Id::ROOT, "/root"),
    ("nobody", Id::NOBODY, "/nonexistent"),
    ("nonroot", Id::NONROOT, "/"),
];

/// The shell of whom nobody logs in as.
const NO_LOGIN: &str = "/sbin/nologin";

/// The users and groups that a recipe defines.
pub(super) struct Accounts<'a> {
    users: Vec<&'a Account>,
    groups: Vec<&'a Group>,
    /// Those of [`USUAL`] that the recipe asks for and does not define itself.
    usual: Vec<(&'static str, Id, &'static str)>,
    /// Where it asks for them.
    needs: Option<Span>,
}

impl<'a> Accounts<'a> {
    /// Collects them; the parser has seen to it that no name is defined twice.
    pub(super) fn new(recipe: &'a Recipe, errors: &mut Vec<PlanError>) -> Self {
        let mut accounts =
            Self { users: Vec::new(), groups: Vec::new(), usual: Vec::new(), needs: None };
        for statement in &recipe.statements {
            accounts.needs = accounts.needs.or(needs_users(statement));
            match statement {
                Statement::User(User::Created(account)) => accounts.users.push(account),
                Statement::Group(group) => accounts.groups.push(group),
                _ => {}
            }
        }
        for account in &accounts.users {
            if account.name.value == "root" && account.uid.value != Id::ROOT {
                errors.push(PlanError::RootRenumbered { span: account.name.span });
            }
        }
        if accounts.needs.is_some() {
            let is_free = |(name, id, _): &(&str, Id, &str)| {
                accounts.users.iter().all(|own| own.name.value != *name && own.uid.value != *id)
            };
            accounts.usual = USUAL.into_iter().filter(is_free).collect();
        }
        accounts
    }

    /// Returns the group that a user is in: the one that it names, else the recipe's group of the
    /// same name, else the one with the user's own number.
    pub(super) fn primary_group(&self, account: &Account) -> Id {
        account.gid.as_ref().map_or_else(
            || self.group(&account.name.value).unwrap_or(account.uid.value),
            |gid| gid.value,
        )
    }

    /// Returns the numbers of an owner; root's, and an error, if a name is not defined.
    pub(super) fn owner(
        &self,
        owner: Option<&Spanned<Owner>>,
        errors: &mut Vec<PlanError>,
    ) -> (Id, Id) {
        let Some(Spanned { value, span }) = owner else { return (Id::ROOT, Id::ROOT) };
        match value {
            Owner::Numeric { uid, gid } => (*uid, *gid),
            Owner::Named { user, group } => {
                let found = self.user(user);
                if found.is_none() {
                    errors.push(PlanError::UnknownOwner {
                        kind: "user",
                        name: user.clone(),
                        span: *span,
                    });
                }
                let (uid, own) = found.unwrap_or((Id::ROOT, Id::ROOT));
                let gid = group.as_ref().map_or(Some(own), |group| self.group(group));
                if gid.is_none() {
                    errors.push(PlanError::UnknownOwner {
                        kind: "group",
                        name: group.clone().unwrap_or_default(),
                        span: *span,
                    });
                }
                (uid, gid.unwrap_or(own))
            }
        }
    }

    /// Returns the files that define the users and groups, if there are any.
    pub(super) fn files(&self) -> Vec<(NodeKind, Option<Span>)> {
        let mut users: Vec<(Id, String)> =
            self.users.iter().map(|user| (user.uid.value, self.passwd_line(user))).collect();
        users.extend(self.usual.iter().map(|(name, id, home)| {
            (*id, format!("{name}:x:{id}:{id}:{name}:{home}:{NO_LOGIN}\n"))
        }));
        let mut groups: Vec<(String, Id)> =
            self.groups.iter().map(|group| (group.name.value.clone(), group.gid.value)).collect();
        for account in &self.users {
            let gid = self.primary_group(account);
            if !groups.iter().any(|(name, number)| *number == gid || *name == account.name.value) {
                groups.push((account.name.value.clone(), gid));
            }
        }
        for (name, id, _) in &self.usual {
            if !groups.iter().any(|(known, number)| number == id || known == name) {
                groups.push(((*name).to_owned(), *id));
            }
        }
        // In the order of their numbers, so that the order in the recipe makes no difference.
        users.sort();
        let passwd: String = users.into_iter().map(|(_, line)| line).collect();
        groups.sort_by(|first, second| (first.1, &first.0).cmp(&(second.1, &second.0)));
        let group: String = groups.iter().map(|(name, gid)| format!("{name}:x:{gid}:\n")).collect();
        let user_span = self.users.first().map(|account| account.span).or(self.needs);
        let group_span = self.groups.first().map(|group| group.span).or(user_span);
        [("/etc/passwd", passwd, user_span), ("/etc/group", group, group_span)]
            .into_iter()
            .filter(|(_, text, _)| !text.is_empty())
            .map(|(path, text, span)| {
                let path = ImagePath::parse(path.as_bytes()).expect("a fixed path is normal");
                (NodeKind::Text(Text { path, text, attributes: Attributes::ROOT }), span)
            })
            .collect()
    }

    /// A line of `passwd(5)`. The parser has refused names and paths with a colon or line break.
    fn passwd_line(&self, account: &Account) -> String {
        let path = |path: Option<&Spanned<ImagePath>>, default: &str| {
            path.map_or_else(
                || default.to_owned(),
                |path| String::from_utf8_lossy(path.value.as_bytes()).into_owned(),
            )
        };
        format!(
            "{}:x:{}:{}::{}:{}\n",
            account.name.value,
            account.uid.value,
            self.primary_group(account),
            path(account.home.as_ref(), "/"),
            path(account.shell.as_ref(), NO_LOGIN),
        )
    }

    fn user(&self, name: &str) -> Option<(Id, Id)> {
        let account = self.users.iter().find(|account| account.name.value == name);
        account
            .map(|account| (account.uid.value, self.primary_group(account)))
            .or_else(|| (name == "root").then_some((Id::ROOT, Id::ROOT)))
            .or_else(|| self.usual(name).map(|id| (id, id)))
    }

    fn usual(&self, name: &str) -> Option<Id> {
        self.usual.iter().find(|(usual, ..)| *usual == name).map(|(_, id, _)| *id)
    }

    fn group(&self, name: &str) -> Option<Id> {
        let group = self.groups.iter().find(|group| group.name.value == name);
        let own = || {
            let account = self.users.iter().find(|account| account.name.value == name)?;
            // Not `primary_group`, which asks here.
            Some(account.gid.as_ref().map_or(account.uid.value, |gid| gid.value))
        };
        group
            .map(|group| group.gid.value)
            .or_else(own)
            .or_else(|| (name == "root").then_some(Id::ROOT))
            .or_else(|| self.usual(name))
    }
}

/// Returns where a statement asks for the usual users, itself or in a layer.
pub(super) fn needs_users(statement: &Statement) -> Option<Span> {
    match statement {
        Statement::Needs(need) if need.value == Facility::Users => Some(need.span),
        Statement::Layer(layer) => layer.statements.iter().find_map(needs_users),
        _ => None,
    }
}
