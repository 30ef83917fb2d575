"""Models of an API like the sample's: what is printed of them must be the sample's schema.sql, in both dialects."""
from sqlalchemy import (DDL, BigInteger, CheckConstraint, Column, DateTime, Enum, ForeignKey, Identity, Index, Integer,
                        LargeBinary, Numeric, Text, UniqueConstraint, event, func, text)
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import declarative_base
from sqlalchemy.sql.functions import FunctionElement

SharedBase = declarative_base()
TenantBase = declarative_base()

# ---- what the two dialects say differently

BigKey = BigInteger().with_variant(Integer(), "sqlite")
Uuid = Text().with_variant(postgresql.UUID(as_uuid=True), "postgresql")
Json = Text().with_variant(postgresql.JSONB(), "postgresql")
Moment = DateTime(timezone=True)


@compiles(DateTime, "sqlite")
def moment_on_sqlite(element, compiler, **kw):
    return "TEXT"


class new_uuid(FunctionElement):
    type = Uuid
    inherit_cache = True


@compiles(new_uuid, "postgresql")
def new_uuid_on_postgresql(element, compiler, **kw):
    return "gen_random_uuid()"


@compiles(new_uuid, "sqlite")
def new_uuid_on_sqlite(element, compiler, **kw):
    return "lower(hex(randomblob(16)))"


def enum(name, check, *values):
    """A type of PostgreSQL, and a text with a CHECK on SQLite."""
    return Enum(*values, name=name).with_variant(CheckedText(*values, name=check, native_enum=False,
                                                             create_constraint=True), "sqlite")


class CheckedText(Enum):
    """Enum's own is VARCHAR, as long as its longest value: the table would be built anew for a longer one."""


@compiles(CheckedText, "sqlite")
def checked_text(element, compiler, **kw):
    return "TEXT"


def only(dialect, table, when, sql):
    event.listen(table, when, DDL(sql.replace("%", "%%")).execute_if(dialect=dialect))


def now():
    return Column(Moment, nullable=False, server_default=func.now())


# ---- the shared database


class User(SharedBase):
    __tablename__ = "users"
    user_id = Column(Uuid, primary_key=True, server_default=new_uuid())
    email = Column(Text, nullable=False)
    display_name = Column(Text, nullable=False)
    created_at = now()
    __table_args__ = (Index("users_email_key", func.lower(email), unique=True),)


class Tenant(SharedBase):
    __tablename__ = "tenants"
    tenant_id = Column(Text, primary_key=True)
    name = Column(Text, nullable=False)
    database_url = Column(Text)
    created_at = now()
    __table_args__ = (CheckConstraint("tenant_id <> ''", name="tenants_tenant_id_check"),)


class Membership(SharedBase):
    __tablename__ = "memberships"
    tenant_id = Column(Text, ForeignKey("tenants.tenant_id", ondelete="CASCADE"), primary_key=True)
    user_id = Column(Uuid, ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True, index=False)
    role = Column(enum("membership_role", "memberships_role_check", "owner", "editor", "viewer"), nullable=False,
                  server_default="viewer")
    created_at = now()
    __table_args__ = (Index("memberships_user_id_idx", user_id),)


class ApiKey(SharedBase):
    __tablename__ = "api_keys"
    api_key_id = Column(BigKey, Identity(always=True), primary_key=True)
    tenant_id = Column(Text, ForeignKey("tenants.tenant_id", ondelete="CASCADE"), nullable=False)
    created_by = Column(Uuid, ForeignKey("users.user_id", ondelete="SET NULL"))
    key_prefix = Column(Text, nullable=False)
    key_digest = Column(LargeBinary, nullable=False)
    created_at = now()
    revoked_at = Column(Moment)
    __table_args__ = (
        UniqueConstraint("key_digest", name="api_keys_key_digest_key"),
        Index("api_keys_active_idx", tenant_id, postgresql_where=text("revoked_at IS NULL"),
              sqlite_where=text("revoked_at IS NULL")),
        Index("api_keys_created_by_idx", created_by),
    )


class AuditLog(SharedBase):
    __tablename__ = "audit_log"
    audit_id = Column(BigKey, Identity(always=True), primary_key=True)
    tenant_id = Column(Text)
    user_id = Column(Uuid)
    action = Column(Text, nullable=False)
    detail = Column(Json, nullable=False, server_default="{}")
    created_at = now()
    __table_args__ = (Index("audit_log_tenant_id_idx", tenant_id, created_at),)


# A constraint of one dialect alone (SQLAlchemy 2 has ddl_if for it).
AuditLog.__table__.append_constraint(CheckConstraint(
    "json_valid(detail)", name="audit_log_detail_check", _create_rule=lambda compiler: compiler.dialect.name == "sqlite"))

only("postgresql", AuditLog.__table__, "before_create", """
CREATE FUNCTION audit_log_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_log is append-only';
END;
$$""")
only("postgresql", AuditLog.__table__, "after_create", """
CREATE TRIGGER audit_log_append_only
    BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_refuse_change()""")
for verb in ("update", "delete"):
    only("sqlite", AuditLog.__table__, "after_create", f"""
CREATE TRIGGER audit_log_no_{verb} BEFORE {verb.upper()} ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END""")


# ---- a tenant's database


class Profile(TenantBase):
    __tablename__ = "profiles"
    profile_id = Column(BigKey, Identity(), primary_key=True)
    handle = Column(Text, nullable=False)
    display_name = Column(Text, nullable=False)
    bio = Column(Text, nullable=False, server_default="")
    created_at = now()
    updated_at = now()
    user_id = Column(Uuid)
    __table_args__ = (UniqueConstraint("handle", name="profiles_handle_key"),)


class Document(TenantBase):
    __tablename__ = "documents"
    document_id = Column(BigKey, Identity(), primary_key=True)
    profile_id = Column(BigKey, ForeignKey("profiles.profile_id", ondelete="CASCADE"), nullable=False)
    title = Column(Text, nullable=False)
    status = Column(enum("document_status", "documents_status_check", "draft", "published", "archived"),
                    nullable=False, server_default="draft")
    storage_key = Column(Text, nullable=False)
    size_bytes = Column(BigKey, nullable=False, server_default=text("0"))
    created_at = now()
    updated_at = now()
    __table_args__ = (
        CheckConstraint("size_bytes >= 0", name="documents_size_bytes_check"),
        Index("documents_profile_id_idx", profile_id),
        Index("documents_status_idx", status, updated_at.desc()),
    )


class Tag(TenantBase):
    __tablename__ = "tags"
    name = Column(Text, primary_key=True)


class DocumentTag(TenantBase):
    __tablename__ = "document_tags"
    document_id = Column(BigInteger, ForeignKey("documents.document_id", ondelete="CASCADE"), primary_key=True)
    tag = Column(Text, ForeignKey("tags.name", onupdate="CASCADE", ondelete="CASCADE"), primary_key=True)
    __table_args__ = (Index("document_tags_tag_idx", tag),)


class BillingAccount(TenantBase):
    __tablename__ = "billing_accounts"
    billing_account_id = Column(BigKey, Identity(), primary_key=True)
    profile_id = Column(BigKey, ForeignKey("profiles.profile_id", ondelete="RESTRICT"), nullable=False)
    currency = Column(Text, nullable=False, server_default="VND")
    created_at = now()
    __table_args__ = (
        UniqueConstraint("profile_id", name="billing_accounts_profile_id_key"),
        CheckConstraint("length(currency) = 3", name="billing_accounts_currency_check"),
    )


class Invoice(TenantBase):
    __tablename__ = "invoices"
    invoice_id = Column(BigKey, Identity(), primary_key=True)
    billing_account_id = Column(BigKey, ForeignKey("billing_accounts.billing_account_id", ondelete="RESTRICT"),
                                nullable=False)
    document_id = Column(BigKey, ForeignKey("documents.document_id", ondelete="SET NULL"))
    amount = Column(Numeric(18, 2), nullable=False)
    issued_at = now()
    paid_at = Column(Moment)
    __table_args__ = (
        CheckConstraint("amount >= 0", name="invoices_amount_check"),
        Index("invoices_billing_account_id_idx", billing_account_id),
        Index("invoices_document_id_idx", document_id),
    )


only("postgresql", TenantBase.metadata, "before_create", """
CREATE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END;
$$""")
for model, key, columns in ((Profile, "profile_id", "handle, display_name, bio"),
                            (Document, "document_id", "profile_id, title, status")):
    name = model.__tablename__
    only("postgresql", model.__table__, "after_create", f"""
CREATE TRIGGER {name}_set_updated_at
    BEFORE UPDATE OF {columns} ON {name}
    FOR EACH ROW EXECUTE FUNCTION set_updated_at()""")
    only("sqlite", model.__table__, "after_create", f"""
CREATE TRIGGER {name}_set_updated_at
AFTER UPDATE OF {columns} ON {name}
BEGIN
    UPDATE {name} SET updated_at = CURRENT_TIMESTAMP WHERE {key} = NEW.{key};
END""")
