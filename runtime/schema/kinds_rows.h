/* What the rows of PostgreSQL's kinds (kinds_*.c) say alike: attributes of nearly every kind. */
#ifndef SCHEMA_KINDS_ROWS_H
#define SCHEMA_KINDS_ROWS_H

#include "schema/kinds.h"

/* 4095 bytes of a literal is what every compiler of C takes; some queries take more. */
#pragma GCC diagnostic ignored "-Woverlength-strings"

#define ATTRIBUTES(LIST) .attributes = (LIST), .n_attributes = sizeof(LIST) / sizeof *(LIST)

#define ATTRIBUTE_COMMENT_ON(TARGET)                                                                                   \
    {                                                                                                                  \
        "comment", CHANGE_SET, ATTRIBUTE_AFTER, "COMMENT ON " TARGET " IS {comment}", "COMMENT ON " TARGET " IS NULL"  \
    }
#define ATTRIBUTE_COMMENT ATTRIBUTE_COMMENT_ON("{words} {address}")
#define ATTRIBUTE_OWNED                                                                                                \
    {                                                                                                                  \
        "owner", CHANGE_SET, ATTRIBUTE_AFTER | ATTRIBUTE_OWNER, "ALTER {words} {address} OWNER TO {owner}", NULL       \
    }
#define ATTRIBUTE_GRANTED                                                                                              \
    {                                                                                                                  \
        "grants", CHANGE_OWN, ATTRIBUTE_AFTER | ATTRIBUTE_GRANTS | ATTRIBUTE_WEAKENS, NULL, NULL                       \
    }
#define ATTRIBUTE_HIDDEN(NAME)                                                                                         \
    {                                                                                                                  \
        NAME, CHANGE_HIDDEN, 0, NULL, NULL                                                                             \
    }
#define ATTRIBUTE_REPLACED(NAME)                                                                                       \
    {                                                                                                                  \
        NAME, CHANGE_REPLACE, 0, NULL, NULL                                                                            \
    }

#endif
