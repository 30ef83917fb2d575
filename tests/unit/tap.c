/*
 * Linked into every unit test: results are printed as TAP, which tests/run counts. CMOCKA_MESSAGE_OUTPUT would do the
 * same, but not for a test that clears its environment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

__attribute__((constructor)) static void speak_tap(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
}
