#include "gen/changes.h"
#include "gen/hints.h"
__attribute__((weak)) void hints_read(struct findings *out, struct arena *a, const struct text_file *file, enum dialect dialect, struct hints *hints) { (void)out,(void)a,(void)file,(void)dialect,(void)hints; }
__attribute__((weak)) struct hint *hint_of(const struct hints *hints, enum hint_kind kind, const struct catalog *goal, const struct object *object) { (void)hints,(void)kind,(void)goal,(void)object; return NULL; }
__attribute__((weak)) bool changes_sqlite(struct change_list *out, const struct snapshot *from, const struct snapshot *to, const struct change_options *options, struct err *e) { (void)out,(void)from,(void)to,(void)options; return err_set(e, FAULT_FAILED, "not yet"); }
__attribute__((weak)) const struct kind_list kinds_sqlite = {0};
