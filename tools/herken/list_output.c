/* SPDX-License-Identifier: GPL-3.0-or-later */
/* list_output.c - see list_output.h. */
#include "list_output.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

void list_format_date(char out[LIST_DATE_SIZE], int64_t seconds)
{
    struct tm parts;
    const time_t time = (time_t)seconds;
    *out = '\0';
    if (gmtime_r(&time, &parts) && !strftime(out, LIST_DATE_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts))
        *out = '\0';
}

const char *list_suspicion_words(unsigned index)
{
    static const char *const words[HK_SUSPECT_COUNT] = {
        "the hash has unusually many or few bits set, as those of flat pictures do",
        "the hash is of a picture with little detail (quality under 50)",
        "a digest is that of an empty file",
        "a digest is in a list of the other sort (known good, or known)",
        "the hash is near one in a list of the other sort (known good, or known)",
        "the hash is near unusually many others",
        "it contradicts another: one hash under several categories, or one id twice in a feed",
        "a person has withdrawn it before",
    };
    return index < HK_SUSPECT_COUNT ? words[index] : NULL;
}

const char *list_value_name(unsigned index)
{
    static const char *const names[LIST_VALUES] = {"pdq",  "exact",  "md5",
                                                   "sha1", "sha256", "photodna"};
    return index < LIST_VALUES ? names[index] : NULL;
}

unsigned list_values_of(const hk_entry *entry)
{
    const unsigned digests = entry->digests.present;
    return (unsigned)entry->has_hash | (unsigned)entry->has_exact_hash << 1 |
           (digests & HK_DIGEST_MD5 ? 1u << 2 : 0) | (digests & HK_DIGEST_SHA1 ? 1u << 3 : 0) |
           (digests & HK_DIGEST_SHA256 ? 1u << 4 : 0) | (unsigned)entry->has_photodna << 5;
}

static void hex(char *out, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sprintf(out + 2 * i, "%02x", bytes[i]);
}

char *list_entry_name(const hk_entry *entry)
{
    char text[HK_HASH_TEXT_SIZE] = "";
    const hk_digests *digests = &entry->digests;
    if (entry->id || entry->name)
        return output_printable(entry->id ? entry->id : entry->name);
    if (digests->present & HK_DIGEST_SHA256)
        hex(text, digests->sha256, sizeof digests->sha256);
    else if (digests->present & HK_DIGEST_SHA1)
        hex(text, digests->sha1, sizeof digests->sha1);
    else if (digests->present & HK_DIGEST_MD5)
        hex(text, digests->md5, sizeof digests->md5);
    else if (entry->has_hash)
        hk_hash_format(text, &entry->hash);
    else if (entry->has_exact_hash)
        hk_hash_format(text, &entry->exact_hash);
    return strdup(*text ? text : "(PhotoDNA)");
}

/* ---- as JSON ------------------------------------------------------------------------------- */

static void set_number(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text)
        output_path(object, key, text);
}

static void set_date(json_t *object, const char *key, int64_t seconds)
{
    char text[LIST_DATE_SIZE];
    list_format_date(text, seconds);
    if (*text)
        json_object_set_new(object, key, json_string(text));
}

static void set_hash(json_t *object, const char *key, const hk_hash *hash)
{
    char text[HK_HASH_TEXT_SIZE];
    hk_hash_format(text, hash);
    json_object_set_new(object, key, json_string(text));
}

static void set_values(json_t *object, const hk_entry *entry)
{
    if (entry->has_hash)
        set_hash(object, "pdq", &entry->hash);
    if (entry->has_hash && entry->quality != HK_NO_QUALITY)
        json_object_set_new(object, "quality", json_integer(entry->quality));
    if (entry->has_exact_hash)
        set_hash(object, "exact", &entry->exact_hash);
    if (entry->cut_count)
        set_number(object, "frames", entry->cut_count);
    output_digests(object, &entry->digests);
    if (entry->has_photodna) {
        char *text = output_base64(entry->photodna, sizeof entry->photodna);
        json_object_set_new(object, "photodna", text ? json_string(text) : NULL);
        free(text);
    }
}

json_t *list_entry_object(const hk_listed *listed, bool before)
{
    const hk_entry *entry = &listed->entry;
    json_t *object = json_object(), *suspicions = json_array();
    set_number(object, "number", listed->number);
    json_object_set_new(object, "state", json_string(hk_entry_state_name(listed->state)));
    if (before)
        json_object_set_new(object, "before", json_string(hk_entry_state_name(listed->before)));
    set_text(object, "entry", entry->id);
    set_text(object, "name", entry->name);
    set_values(object, entry);
    set_text(object, "category", entry->category);
    set_text(object, "tags", entry->tags);
    set_text(object, "source", entry->source);
    if (entry->date != HK_NO_DATE)
        set_date(object, "date", entry->date);
    if (entry->extra) {
        json_t *extra = json_loads(entry->extra, 0, NULL);
        if (extra)
            json_object_set_new(object, "extra", extra);
        else
            set_text(object, "extra", entry->extra);
    }
    for (unsigned i = 0; i < HK_SUSPECT_COUNT; i++)
        if (listed->suspicions >> i & 1)
            json_array_append_new(suspicions, json_string(hk_suspicion_name(i)));
    json_object_set_new(object, "suspicions", suspicions);
    set_text(object, "why", listed->why);
    if (listed->replaces)
        set_number(object, "replaces", listed->replaces);
    set_number(object, "imported", listed->imported);
    return object;
}

json_t *list_revision_object(const hk_revision *revision)
{
    json_t *object = json_object();
    set_number(object, "revision", revision->number);
    json_object_set_new(object, "kind", json_string(hk_revision_kind_name(revision->kind)));
    set_text(object, "list", revision->list);
    set_text(object, "actor", revision->actor);
    set_text(object, "reason", revision->reason);
    set_date(object, "date", revision->at);
    set_text(object, "source", revision->source);
    if (revision->target)
        set_number(object, "target", revision->target);
    set_number(object, "added", revision->added);
    set_number(object, "replaced", revision->replaced);
    set_number(object, "withdrawn", revision->withdrawn);
    if (revision->kind != HK_REVISION_IMPORT) /* screening comes after it */
        set_number(object, "quarantined", revision->quarantined);
    set_text(object, "mark", revision->mark);
    return object;
}

json_t *list_info_object(const hk_list_info *info)
{
    const hk_list_settings *settings = &info->settings;
    json_t *object = json_object(), *entries = json_object();
    set_text(object, "list", settings->name);
    set_number(object, "revision", info->revision);
    json_object_set_new(object, "known_good", json_boolean(settings->known_good));
    json_object_set_new(object, "two_person", json_boolean(settings->two_person));
    set_text(object, "owner", settings->owner);
    set_text(object, "purpose", settings->purpose);
    set_text(object, "categories", settings->categories);
    for (int s = HK_ENTRY_PROPOSED; s < HK_ENTRY_STATES; s++)
        set_number(entries, hk_entry_state_name((hk_entry_state)s), info->entries[s]);
    json_object_set_new(object, "entries", entries);
    set_number(object, "proposed_withdrawals", info->proposed_withdrawals);
    set_number(object, "proposed_replacements", info->proposed_replacements);
    set_number(object, "unscreened", info->unscreened);
    return object;
}

/* ---- for people ---------------------------------------------------------------------------- */

void list_print_count(const char *label, uint64_t count)
{
    printf("%-22s %llu\n", label, (unsigned long long)count);
}

void list_print_text(const char *label, const char *text)
{
    char *printable = text ? output_printable(text) : NULL;
    if (text)
        printf("%-22s %s\n", label, printable ? printable : "?");
    free(printable);
}

/* Names of the set bits, with a blank between. */
static void names_of(char *out, size_t size, unsigned bits, unsigned count,
                     const char *(*name)(unsigned index))
{
    size_t length = 0;
    *out = '\0';
    for (unsigned i = 0; i < count && length < size; i++)
        if (bits >> i & 1)
            length +=
                (size_t)snprintf(out + length, size - length, "%s%s", length ? " " : "", name(i));
}

void list_print_entry(const hk_listed *listed, const char *state)
{
    char number[16], holds[64], suspicions[160];
    char *name = list_entry_name(&listed->entry);
    char *category = listed->entry.category ? output_printable(listed->entry.category) : NULL;
    snprintf(number, sizeof number, "#%u", listed->number);
    names_of(holds, sizeof holds, list_values_of(&listed->entry), LIST_VALUES, list_value_name);
    names_of(suspicions, sizeof suspicions, listed->suspicions, HK_SUSPECT_COUNT,
             hk_suspicion_name);
    printf("%-9s  %-11s  %-25s  %s", number, state, holds, name ? name : "?");
    if (category)
        printf("  [%s]", category);
    if (listed->replaces)
        printf("  in place of #%u", listed->replaces);
    if (*suspicions)
        printf("  (%s)", suspicions);
    putchar('\n');
    free(name);
    free(category);
}

/* The reasons kept with the entry, or, of what shows none, what the suspicions mean. */
static void print_suspicions(const hk_listed *listed)
{
    for (unsigned i = 0; i < HK_SUSPECT_COUNT; i++)
        if (listed->suspicions >> i & 1)
            printf("  %-20s %s: %s\n", "suspicious", hk_suspicion_name(i), list_suspicion_words(i));
    for (const char *line = listed->why; line && *line;) {
        const size_t length = strcspn(line, "\n");
        char *copy = strndup(line, length), *text = copy ? output_printable(copy) : NULL;
        printf("  %-20s %s\n", "", text ? text : "?");
        free(copy);
        free(text);
        line += length + (line[length] == '\n');
    }
}

void list_print_entry_whole(const hk_listed *listed)
{
    const hk_entry *entry = &listed->entry;
    json_t *values = json_object(), *value;
    const char *key;
    char *name = list_entry_name(entry);
    printf("#%u %s, %s\n", listed->number, name ? name : "?", hk_entry_state_name(listed->state));
    free(name);
    set_values(values, entry);
    json_object_foreach(values, key, value) if (json_is_string(value))
        printf("  %-20s %s\n", key, json_string_value(value));
    else printf("  %-20s %lld\n", key, (long long)json_integer_value(value));
    json_decref(values);
    list_print_text("  category", entry->category);
    list_print_text("  tags", entry->tags);
    list_print_text("  source", entry->source);
    if (entry->date != HK_NO_DATE) {
        char date[LIST_DATE_SIZE];
        list_format_date(date, entry->date);
        list_print_text("  changed by source", date);
    }
    list_print_text("  extra", entry->extra);
    if (listed->replaces)
        printf("  %-20s #%u\n", "in place of", listed->replaces);
    print_suspicions(listed);
}

void list_print_revision(const hk_revision *revision)
{
    char *actor = output_printable(revision->actor);
    printf("%s is at revision %llu (%s by %s): %llu added, %llu replaced, %llu withdrawn, "
           "%llu in quarantine\n",
           revision->list, (unsigned long long)revision->number,
           hk_revision_kind_name(revision->kind), actor ? actor : "?",
           (unsigned long long)revision->added, (unsigned long long)revision->replaced,
           (unsigned long long)revision->withdrawn, (unsigned long long)revision->quarantined);
    free(actor);
}

void list_name_formats(FILE *file, bool to_write)
{
    const hk_format *format;
    for (unsigned i = 0; (format = hk_format_get(i)); i++)
        if (to_write ? format->writes : format->reads)
            fprintf(file, "  %-12s %s\n", format->name, format->title);
}

/* ---- suspicions, counted ------------------------------------------------------------------- */

void list_suspects_add(list_suspects *suspects, const hk_listed *listed)
{
    suspects->entries += listed->suspicions != 0;
    for (unsigned i = 0; i < HK_SUSPECT_COUNT; i++) {
        if (!(listed->suspicions >> i & 1))
            continue;
        const uint64_t n = suspects->by_reason[i]++;
        if (n < LIST_EXAMPLES)
            suspects->example[i][n] = list_entry_name(&listed->entry);
    }
}

void list_suspects_print(const list_suspects *suspects)
{
    for (unsigned i = 0; i < HK_SUSPECT_COUNT; i++) {
        const uint64_t n = suspects->by_reason[i];
        if (!n)
            continue;
        printf("  %-20s %llu: %s\n", hk_suspicion_name(i), (unsigned long long)n,
               list_suspicion_words(i));
        printf("  %-20s ", "");
        for (uint64_t e = 0; e < n && e < LIST_EXAMPLES; e++)
            printf("%s%s", e ? ", " : "", suspects->example[i][e] ? suspects->example[i][e] : "?");
        puts(n > LIST_EXAMPLES ? ", ..." : "");
    }
}

json_t *list_suspects_object(const list_suspects *suspects)
{
    json_t *object = json_object();
    for (unsigned i = 0; i < HK_SUSPECT_COUNT; i++)
        if (suspects->by_reason[i])
            set_number(object, hk_suspicion_name(i), suspects->by_reason[i]);
    return object;
}

void list_suspects_clear(list_suspects *suspects)
{
    for (unsigned i = 0; i < HK_SUSPECT_COUNT; i++)
        for (unsigned e = 0; e < LIST_EXAMPLES; e++)
            free(suspects->example[i][e]);
}
