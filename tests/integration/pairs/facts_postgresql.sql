-- A schema as lines "kind TAB name TAB facts", read from the catalogs without anything of what is under test: two schemas are
-- equal when these lines are. Runs with search_path = pg_catalog, so that every name has its schema. Not looked at: the order
-- of a table's columns, and what the server numbers or counts itself.
WITH ours AS (
    SELECT oid, nspname FROM pg_namespace
    WHERE nspname !~ '^pg_(temp_|toast|catalog$)' AND nspname <> 'information_schema'
), member AS (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
), rel AS (
    SELECT c.*, c.oid::regclass::text AS name
    FROM pg_class c JOIN ours ON ours.oid = c.relnamespace
    WHERE c.relkind <> 't' AND NOT EXISTS (SELECT FROM member WHERE classid = 'pg_class'::regclass AND objid = c.oid)
), typ AS (
    SELECT t.*, t.oid::regtype::text AS name
    FROM pg_type t JOIN ours ON ours.oid = t.typnamespace
    WHERE NOT EXISTS (SELECT FROM member WHERE classid = 'pg_type'::regclass AND objid = t.oid)
), proc AS (
    SELECT p.*, p.oid::regprocedure::text AS name
    FROM pg_proc p JOIN ours ON ours.oid = p.pronamespace
    WHERE p.oid >= 16384 -- what comes with the server is below
      AND NOT EXISTS (SELECT FROM member WHERE classid = 'pg_proc'::regclass AND objid = p.oid)
      -- a range's constructors come with it
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')
), granted (class, oid, sub, acl) AS (
    SELECT 'pg_namespace'::regclass, n.oid, 0, coalesce(nspacl, acldefault('n', nspowner)) FROM pg_namespace n JOIN ours USING (oid)
    UNION ALL
    SELECT 'pg_class'::regclass, oid, 0, coalesce(relacl, acldefault((CASE relkind WHEN 'S' THEN 's' ELSE 'r' END)::"char", relowner))
    FROM rel WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    UNION ALL
    SELECT 'pg_class'::regclass, attrelid, attnum, attacl FROM pg_attribute JOIN rel ON rel.oid = attrelid
    WHERE attacl IS NOT NULL AND NOT attisdropped
    UNION ALL
    SELECT 'pg_proc'::regclass, oid, 0, coalesce(proacl, acldefault('f', proowner)) FROM proc
    UNION ALL
    SELECT 'pg_type'::regclass, oid, 0, coalesce(typacl, acldefault('T', typowner)) FROM typ WHERE typtype IN ('d', 'e', 'r')
    UNION ALL
    SELECT 'pg_foreign_data_wrapper'::regclass, oid, 0, coalesce(fdwacl, acldefault('F', fdwowner)) FROM pg_foreign_data_wrapper
    UNION ALL
    SELECT 'pg_foreign_server'::regclass, oid, 0, coalesce(srvacl, acldefault('S', srvowner)) FROM pg_foreign_server
), facts (kind, name, facts) AS (
    SELECT 'schema', nspname::text, jsonb_build_array(pg_get_userbyid(n.nspowner)) FROM pg_namespace n JOIN ours USING (oid, nspname)
    UNION ALL
    SELECT 'extension', extname::text, jsonb_build_array(extnamespace::regnamespace, extversion) FROM pg_extension WHERE oid >= 16384
    UNION ALL
    SELECT 'relation', name, jsonb_build_object(
        'kind', relkind, 'persistence', relpersistence, 'owner', pg_get_userbyid(relowner),
        'options', (SELECT array_agg(o ORDER BY o) FROM unnest(reloptions) o),
        'am', (SELECT amname FROM pg_am a WHERE a.oid = relam), 'tablespace', reltablespace,
        'security', relrowsecurity, 'force', relforcerowsecurity, 'identity', relreplident,
        'of', nullif(reloftype, 0)::regtype, 'bound', pg_get_expr(relpartbound, rel.oid),
        'key', CASE WHEN relkind = 'p' THEN pg_get_partkeydef(rel.oid) END,
        'query', CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(rel.oid) END,
        'parents', (SELECT array_agg(inhparent::regclass ORDER BY inhseqno) FROM pg_inherits WHERE inhrelid = rel.oid))
    FROM rel
    UNION ALL
    SELECT 'index', name, jsonb_build_object(
        'text', pg_get_indexdef(indexrelid), 'table', indrelid::regclass, 'valid', indisvalid, 'clustered', indisclustered,
        'identity', indisreplident, 'primary', indisprimary,
        'statistics', (SELECT jsonb_object_agg(attnum, attstattarget) FROM pg_attribute
                       WHERE attrelid = indexrelid AND attstattarget <> -1))
    FROM pg_index JOIN rel ON rel.oid = indexrelid
    UNION ALL
    SELECT 'sequence', name, jsonb_build_object(
        'type', seqtypid::regtype, 'start', seqstart, 'increment', seqincrement, 'max', seqmax, 'min', seqmin, 'cache', seqcache,
        'cycle', seqcycle,
        'owner', (SELECT d.refobjid::regclass || '.' || a.attname
                  FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = seqrelid AND d.deptype IN ('a', 'i')
                    AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0))
    FROM pg_sequence JOIN rel ON rel.oid = seqrelid
    UNION ALL
    SELECT 'column', rel.name || '.' || quote_ident(attname), jsonb_build_object(
        'type', format_type(atttypid, atttypmod), 'not null', attnotnull,
        'default', (SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = attrelid AND adnum = attnum),
        'identity', attidentity, 'generated', attgenerated, 'collation', nullif(attcollation, t.typcollation)::regcollation,
        'storage', CASE WHEN relkind IN ('r', 'p', 'm') THEN nullif(attstorage, t.typstorage) END, 'compression', attcompression,
        'statistics', nullif(attstattarget, -1),
        'options', (SELECT array_agg(o ORDER BY o) FROM unnest(attoptions) o WHERE o LIKE 'n\_distinct%'),
        'foreign', (SELECT array_agg(o ORDER BY o) FROM unnest(attfdwoptions) o),
        'local', attislocal, 'inherited', attinhcount,
        'place', CASE WHEN relkind IN ('v', 'm', 'c') THEN (SELECT count(*) FROM pg_attribute b
                 WHERE b.attrelid = rel.oid AND b.attnum BETWEEN 1 AND a.attnum AND NOT b.attisdropped) END)
    FROM pg_attribute a JOIN rel ON rel.oid = attrelid JOIN pg_type t ON t.oid = atttypid
    WHERE attnum > 0 AND relkind NOT IN ('i', 'I', 'S')
    UNION ALL
    SELECT 'constraint', coalesce(rel.name, typ.name) || '.' || quote_ident(conname), jsonb_build_object(
        'text', pg_get_constraintdef(c.oid), 'valid', convalidated, 'local', conislocal, 'inherited', coninhcount,
        'index', CASE WHEN contype IN ('p', 'u', 'x') THEN conindid::regclass END)
    FROM pg_constraint c LEFT JOIN rel ON rel.oid = conrelid LEFT JOIN typ ON typ.oid = contypid
    WHERE (rel.oid IS NOT NULL OR typ.oid IS NOT NULL) AND conparentid = 0 AND contype <> 't'
    UNION ALL
    SELECT 'trigger', rel.name || '.' || quote_ident(tgname), jsonb_build_array(pg_get_triggerdef(t.oid), tgenabled, tgparentid <> 0)
    FROM pg_trigger t JOIN rel ON rel.oid = tgrelid WHERE NOT tgisinternal OR (tgparentid <> 0 AND tgconstraint = 0)
    UNION ALL
    SELECT 'rule', rel.name || '.' || quote_ident(rulename), jsonb_build_array(pg_get_ruledef(r.oid), ev_enabled)
    FROM pg_rewrite r JOIN rel ON rel.oid = ev_class WHERE rulename <> '_RETURN'
    UNION ALL
    SELECT 'policy', rel.name || '.' || quote_ident(polname), jsonb_build_array(polcmd, polpermissive,
        (SELECT array_agg(CASE WHEN r = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(r)::text END ORDER BY 1) FROM unnest(polroles) r),
        pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
    FROM pg_policy JOIN rel ON rel.oid = polrelid
    UNION ALL
    SELECT 'type', name, jsonb_build_object(
        'kind', typtype, 'owner', pg_get_userbyid(typowner),
        'labels', (SELECT array_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = typ.oid),
        'base', CASE WHEN typtype = 'd' THEN format_type(typbasetype, typtypmod) END, 'not null', typnotnull, 'default', typdefault,
        'collation', CASE WHEN typtype = 'd' THEN nullif(typcollation, (SELECT b.typcollation FROM pg_type b WHERE b.oid = typ.typbasetype))::regcollation END,
        'range', (SELECT jsonb_build_array(rngsubtype::regtype, rngmultitypid::regtype, nullif(rngcollation, 0)::regcollation,
                         rngsubopc::regclass IS NULL, opcname, rngcanonical::text, rngsubdiff::text)
                  FROM pg_range JOIN pg_opclass ON pg_opclass.oid = rngsubopc WHERE rngtypid = typ.oid))
    FROM typ WHERE typtype IN ('d', 'e', 'r', 'm') OR (typtype = 'c' AND EXISTS (SELECT FROM rel WHERE rel.oid = typrelid AND relkind = 'c'))
    UNION ALL
    SELECT 'function', name, CASE WHEN prokind = 'a' THEN
        (SELECT to_jsonb(a) - 'aggfnoid' - 'aggtranstype' - 'aggmtranstype' - 'aggsortop'
                || jsonb_build_object('state', aggtranstype::regtype, 'mstate', nullif(aggmtranstype, 0)::regtype,
                                      'sort', nullif(aggsortop, 0)::regoperator, 'returns', prorettype::regtype,
                                      'parallel', proparallel, 'owner', pg_get_userbyid(proowner))
         FROM pg_aggregate a WHERE aggfnoid = proc.oid)
        ELSE jsonb_build_array(pg_get_functiondef(proc.oid), pg_get_userbyid(proowner)) END
    FROM proc
    UNION ALL
    SELECT 'collation', c.oid::regcollation::text, jsonb_build_array(collprovider, collisdeterministic, collcollate, collctype,
        colliculocale, pg_get_userbyid(collowner))
    FROM pg_collation c JOIN ours ON ours.oid = collnamespace
    UNION ALL
    SELECT 'statistics', stxnamespace::regnamespace || '.' || quote_ident(stxname), jsonb_build_array(stxrelid::regclass, stxkind,
        (SELECT array_agg(attname ORDER BY attname) FROM pg_attribute WHERE attrelid = stxrelid AND attnum = ANY (stxkeys::int2[])),
        pg_get_statisticsobjdef_expressions(s.oid), nullif(stxstattarget, -1), pg_get_userbyid(stxowner))
    FROM pg_statistic_ext s JOIN ours ON ours.oid = stxnamespace
    UNION ALL
    SELECT 'event trigger', evtname::text, jsonb_build_array(evtevent, evtfoid::regprocedure, evtenabled, evttags, pg_get_userbyid(evtowner))
    FROM pg_event_trigger
    UNION ALL
    SELECT 'publication', pubname::text, to_jsonb(p) - 'oid' - 'pubowner' || jsonb_build_object('owner', pg_get_userbyid(pubowner))
    FROM pg_publication p
    UNION ALL
    SELECT 'publication table', pubname || '.' || prrelid::regclass, jsonb_build_array(pg_get_expr(prqual, prrelid),
        (SELECT array_agg(attname ORDER BY attname) FROM pg_attribute WHERE attrelid = prrelid AND attnum = ANY (prattrs::int2[])))
    FROM pg_publication_rel r JOIN pg_publication p ON p.oid = prpubid
    UNION ALL
    SELECT 'publication schema', pubname || '.' || pnnspid::regnamespace, '[]'
    FROM pg_publication_namespace n JOIN pg_publication p ON p.oid = pnpubid
    UNION ALL
    SELECT 'wrapper', fdwname::text, jsonb_build_array(fdwhandler::regproc::text, fdwvalidator::regproc::text,
        (SELECT array_agg(o ORDER BY o) FROM unnest(fdwoptions) o), pg_get_userbyid(fdwowner))
    FROM pg_foreign_data_wrapper
    UNION ALL
    SELECT 'server', srvname::text, jsonb_build_array(fdwname, srvtype, srvversion,
        (SELECT array_agg(o ORDER BY o) FROM unnest(srvoptions) o), pg_get_userbyid(srvowner))
    FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = srvfdw
    UNION ALL
    SELECT 'user mapping', srvname || ' ' || coalesce(usename, 'PUBLIC'), jsonb_build_array((SELECT array_agg(o ORDER BY o) FROM unnest(umoptions) o))
    FROM pg_user_mappings
    UNION ALL
    SELECT 'foreign table', rel.name, jsonb_build_array(srvname, (SELECT array_agg(o ORDER BY o) FROM unnest(ftoptions) o))
    FROM pg_foreign_table JOIN rel ON rel.oid = ftrelid JOIN pg_foreign_server s ON s.oid = ftserver
    UNION ALL
    SELECT 'default privileges', concat_ws(' ', pg_get_userbyid(defaclrole), defaclobjtype, nullif(defaclnamespace, 0)::regnamespace),
        (SELECT jsonb_agg(concat_ws(' ', CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee)::text END, privilege_type,
                                    CASE WHEN is_grantable THEN '*' END) ORDER BY 1) FROM aclexplode(defaclacl))
    FROM pg_default_acl
    UNION ALL
    SELECT 'grant', concat_ws(' ', i.type, i.identity, x.grantee),
        jsonb_agg(x.privilege_type || CASE WHEN x.is_grantable THEN '*' ELSE '' END ORDER BY x.privilege_type)
    FROM granted g, pg_identify_object(class, g.oid, sub) i,
        LATERAL (SELECT CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(e.grantee)::text END AS grantee, privilege_type, bool_or(is_grantable) AS is_grantable
                 FROM aclexplode(acl) e GROUP BY 1, 2) x
    GROUP BY 1, 2
    UNION ALL
    SELECT 'comment', i.type || ' ' || i.identity, jsonb_build_array(description)
    FROM pg_description, pg_identify_object(classoid, objoid, objsubid) i
    WHERE objoid >= 16384 AND NOT EXISTS (SELECT FROM member WHERE classid = classoid AND member.objid = objoid)
    UNION ALL
    SELECT 'other', i.type || ' ' || i.identity, '[]'
    FROM (SELECT 'pg_cast'::regclass AS class, oid FROM pg_cast UNION ALL SELECT 'pg_operator'::regclass, oid FROM pg_operator
          UNION ALL SELECT 'pg_opclass'::regclass, oid FROM pg_opclass UNION ALL SELECT 'pg_opfamily'::regclass, oid FROM pg_opfamily
          UNION ALL SELECT 'pg_conversion'::regclass, oid FROM pg_conversion UNION ALL SELECT 'pg_language'::regclass, oid FROM pg_language
          UNION ALL SELECT 'pg_ts_config'::regclass, oid FROM pg_ts_config UNION ALL SELECT 'pg_ts_dict'::regclass, oid FROM pg_ts_dict
          UNION ALL SELECT 'pg_transform'::regclass, oid FROM pg_transform) o, pg_identify_object(class, o.oid, 0) i
    WHERE o.oid >= 16384 AND NOT EXISTS (SELECT FROM member WHERE classid = class AND member.objid = o.oid)
)
SELECT fact FROM (SELECT kind || E'\t' || name || E'\t' || facts AS fact FROM facts) f ORDER BY fact COLLATE "C"
