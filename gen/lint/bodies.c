/* The statements in bodies of DO and of functions, under the same rules. */
#include "gen/lint/statement.h"

void lint_bodies(struct lint_statement *s)
{
    (void)s;
}
