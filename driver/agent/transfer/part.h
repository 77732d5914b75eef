/*
 * part.h - the file that an upload grows in, and how much of it can be relied on.
 *
 * It is beside the file that it becomes, and is found again by the next upload of that file: its name is
 * .wskharness-DIGITS.part, with 32 digits of the SHA-256 of the file's own name as UTF-16. So it fits
 * wherever the file's name does, and is that of no file of somebody else's: the controller refuses such
 * names.
 *
 * An upload over one stream grows its part from the front: its length says how far it got. One over several
 * streams (stripe.c) fills it in chunks, in no order; a map beside it, of the same name with .map behind it,
 * has a byte for each chunk that is there. Neither is trusted in the end: the SHA-256 of the whole is.
 */
#pragma once

#include "manifest.h"

#define PART_CHUNK_MIN 4096u
#define PART_CHUNK_MAX (1024u * 1024u)

/* How chunks of a part are counted: from the offset From on, each of Chunk bytes but the last. */
typedef struct PART_LAYOUT {
    UINT32 Magic;
    UINT32 Chunk;
    UINT64 Size; /* of the whole file */
    UINT64 From; /* what is before it is there */
    UINT8 Sha256[SHA256_BYTES];
} PART_LAYOUT; /* 56 bytes: the beginning of a map */

/* Sets the magic; FALSE for a layout that makes no sense. */
BOOL PartLayoutCheck(PART_LAYOUT *Layout);

/* The names; NULL without memory. To be freed. */
_Must_inspect_result_ wchar_t *PartName(const wchar_t *Path);
_Must_inspect_result_ wchar_t *PartMapName(const wchar_t *Path);

/*
 * Opens a part (or its map) to read and write, made with its folders where they are missing. Share is what
 * others may do meanwhile: FILE_SHARE_READ, and FILE_SHARE_WRITE too where several streams fill it.
 */
_Must_inspect_result_ HANDLE PartOpen(const wchar_t *Name, DWORD Share, DWORD *Error);

/* Marks the chunk at Offset as being there. */
DWORD PartMark(HANDLE Map, const PART_LAYOUT *Layout, UINT64 Offset);

/* How many bytes of the file are in no chunk that is marked, by whichever stream. */
UINT64 PartMissing(HANDLE Map, const PART_LAYOUT *Layout);

/*
 * Makes a part that was filled in chunks into one that grew from the front: cuts it off behind the last
 * byte up to which all is there, and removes the map. A part without a map is left as it is.
 */
_Must_inspect_result_ DWORD PartSettle(const MANIFEST_FILE *File);

/* Removes the part and its map, whatever is there of them. */
void PartDiscard(const MANIFEST_FILE *File);

/*
 * Finds out from where File is wanted. A part that is complete but was not renamed is finished here,
 * and so is an empty file, for which no DATA will come.
 */
DWORD PartSurvey(MANIFEST_FILE *File);

/* Gives a complete part, which is at Part, the name of its file. */
DWORD PartGiveName(const MANIFEST_FILE *File, const wchar_t *Part);
