/* Fingerprints of what revisions build (schema/fingerprint.h), made on a scratch database. */
#ifndef GEN_FINGERPRINT_H
#define GEN_FINGERPRINT_H

#include "base/err.h"
#include "schema/fingerprint.h"

struct app;
struct source_stream;

/*
 * What of env.ini decides what a fingerprint holds: grants to the roles that autogenerate_grants names (not to all, "*":
 * the owner's are among them, and he is another one in each database), and autogenerate_ignore.
 */
void fingerprint_settings(struct arena *a, const struct source_stream *stream, struct policy *policy,
                          struct strings *ignored);

/*
 * After a revision was written: makes those anew that the stream has, so that the build does not refuse them. Reads the
 * folder afresh. A stream with findings is left as it is; the build will say so.
 */
bool fingerprints_follow(struct app *app, const char *stream, const char *scratch, struct err *e);

#endif
