/* Fingerprints of what revisions build (schema/fingerprint.h), made on a scratch database. */
#ifndef GEN_FINGERPRINT_H
#define GEN_FINGERPRINT_H

#include "schema/fingerprint.h"

struct app;

/*
 * After a revision was written: makes those anew that the stream has, so that the build does not refuse them. Reads the
 * folder afresh. A stream with findings is left as it is; the build will say so.
 */
bool fingerprints_follow(struct app *app, const char *stream, const char *scratch, struct err *e);

#endif
