/* SPDX-License-Identifier: GPL-3.0-or-later */
/* words.c - the names of states, kinds of revisions and suspicions (CONTRACT). */
#include "herken.h"

const char *hk_entry_state_name(hk_entry_state state)
{
    static const char *const names[HK_ENTRY_STATES] = {"absent",      "proposed",  "active",
                                                       "quarantined", "withdrawn", "replaced"};
    return (unsigned)state < HK_ENTRY_STATES ? names[state] : NULL;
}

const char *hk_revision_kind_name(hk_revision_kind kind)
{
    static const char *const names[HK_REVISION_KINDS] = {"create", "import", "approve", "retract",
                                                         "rollback"};
    return (unsigned)kind < HK_REVISION_KINDS ? names[kind] : NULL;
}

const char *hk_suspicion_name(unsigned index)
{
    static const char *const names[HK_SUSPECT_COUNT] = {
        "degenerate",      "low_quality", "empty_file",    "known_good",
        "near_known_good", "crowded",     "contradiction", "withdrawn_before"};
    return index < HK_SUSPECT_COUNT ? names[index] : NULL;
}
