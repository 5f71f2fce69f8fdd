use sea_orm::entity::prelude::*;

/// A file of the built-in origin.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "published_object")]
pub struct Model {
    /// `{organization}/{project}/{file}`
    #[sea_orm(primary_key, auto_increment = false)]
    pub path: String,
    /// The exact bytes.
    pub body: Vec<u8>,
    /// Strong entity tag, with its quotes.
    pub etag: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
