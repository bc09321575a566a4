/* SPDX-License-Identifier: Apache-2.0 */
/* The proof itself is tested: it explains what may be, and catches what may not. */
#include "history.h"
#include "tests/test.h"

/* Calls as rows: begin, end, what.  Returns what history_check says. */
static int explain(const struct model_op *ops, size_t n)
{
	struct history history;
	int result;

	history_init(&history, "v");
	for (size_t i = 0; i < n; i++)
		history_add(&history, &ops[i]);
	result = history_check(&history);
	history_release(&history);
	return result;
}

#define EXPLAIN(...)                                                                               \
	explain((const struct model_op[]){ __VA_ARGS__ },                                          \
		sizeof((const struct model_op[]){ __VA_ARGS__ }) / sizeof(struct model_op))
#define AT(begin, end) .start_us = (begin), .end_us = (end)
#define CREATE(size) .kind = MODEL_CREATE, .mib = (size), .answer = (size)

static void what_follows_is_explained(void)
{
	EQUAL(EXPLAIN({ CREATE(4), AT(1, 2) }, { .kind = MODEL_SEEN, .answer = 4, AT(3, 4) },
		      { .kind = MODEL_PUBLISH, .node = 1, AT(5, 6) },
		      { .kind = MODEL_DELETE, .code = FL_IN_USE, AT(7, 8) },
		      { .kind = MODEL_UNPUBLISH, .node = 1, AT(9, 10) },
		      { .kind = MODEL_DELETE, AT(11, 12) }, { .kind = MODEL_ABSENT, AT(13, 14) }),
	      0);
}

static void calls_at_once_may_come_in_any_order(void)
{
	EQUAL(EXPLAIN({ CREATE(4), AT(1, 2) }, { .kind = MODEL_PUBLISH, .node = 1, AT(3, 20) },
		      { .kind = MODEL_UNPUBLISH, .node = 1, AT(4, 19) },
		      { .kind = MODEL_ON_NODE, .node = 1, AT(5, 18) },
		      { .kind = MODEL_ON_NODE, .node = 0, AT(21, 22) }),
	      0);
	EQUAL(EXPLAIN({ CREATE(4), AT(1, 2) }, { .kind = MODEL_PUBLISH, .node = 1, AT(3, 20) },
		      { .kind = MODEL_UNPUBLISH, .node = 1, AT(4, 19) },
		      { .kind = MODEL_ON_NODE, .node = 1, AT(21, 22) }),
	      0);
}

static void what_is_lost_has_happened_or_not(void)
{
	const struct model_op lost = { CREATE(4), .lost = true, AT(1, 9) };

	EQUAL(EXPLAIN(lost, { .kind = MODEL_SEEN, .answer = 4, AT(10, 11) }), 0);
	EQUAL(EXPLAIN(lost, { .kind = MODEL_ABSENT, AT(10, 11) }), 0);
	EQUAL(EXPLAIN(lost, { .kind = MODEL_ABSENT, AT(10, 11) },
		      { .kind = MODEL_SEEN, .answer = 4, AT(12, 13) }),
	      -1);
}

static void wrong_answers_are_caught(void)
{
	/* Deleted, and seen afterwards. */
	EQUAL(EXPLAIN({ CREATE(4), AT(1, 2) }, { .kind = MODEL_DELETE, AT(3, 4) },
		      { .kind = MODEL_SEEN, .answer = 4, AT(5, 6) }),
	      -1);
	/* Two nodes at once. */
	EQUAL(EXPLAIN({ CREATE(4), AT(1, 2) }, { .kind = MODEL_PUBLISH, .node = 1, AT(3, 9) },
		      { .kind = MODEL_PUBLISH, .node = 2, AT(4, 8) }),
	      -1);
	/* A volume that forgets that it has grown. */
	EQUAL(EXPLAIN({ CREATE(4), AT(1, 2) },
		      { .kind = MODEL_EXPAND, .mib = 6, .answer = 6, AT(3, 4) },
		      { .kind = MODEL_SEEN, .answer = 4, AT(5, 6) }),
	      -1);
	/* Deleted under the node that has it. */
	EQUAL(EXPLAIN({ CREATE(4), AT(1, 2) }, { .kind = MODEL_PUBLISH, .node = 1, AT(3, 4) },
		      { .kind = MODEL_DELETE, AT(5, 6) }),
	      -1);
	/* Made twice, with sizes that do not fit. */
	EQUAL(EXPLAIN({ CREATE(4), AT(1, 9) }, { CREATE(6), .limit = 6, AT(1, 9) }), -1);
	/* A read that goes back in time. */
	EQUAL(EXPLAIN({ CREATE(4), AT(1, 20) }, { .kind = MODEL_SEEN, .answer = 4, AT(2, 3) },
		      { .kind = MODEL_ABSENT, AT(4, 5) }),
	      -1);
}

static const struct test tests[] = {
	{ "what follows is explained", what_follows_is_explained },
	{ "calls at once may come in any order", calls_at_once_may_come_in_any_order },
	{ "what is lost has happened or not", what_is_lost_has_happened_or_not },
	{ "wrong answers are caught", wrong_answers_are_caught },
};

int main(int argc, char **argv)
{
	return test_run(tests, FL_COUNT(tests), argc, argv);
}
