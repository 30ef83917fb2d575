/* A graph of revisions as characters, for Graphviz, and for Mermaid. Pure text. */
#ifndef CLI_DRAW_H
#define CLI_DRAW_H

#include "model/graph.h"

/* `list`: newest first, as plan_history() gives it; only edges between its members are drawn. `current`: ids to mark. */
void draw_graph(struct buf *out, const struct graph *g, const struct revlist *list, const struct strings *current);
void draw_dot(struct buf *out, const struct graph *g, const struct revlist *list, const struct strings *current);
void draw_mermaid(struct buf *out, const struct graph *g, const struct revlist *list, const struct strings *current);

#endif
