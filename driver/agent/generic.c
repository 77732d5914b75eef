/*
 * generic.c - the steps that need nothing of a driver but that it is one: which there are, and their paths.
 */
#include "generic.h"
#include "genericsteps.h"
#include "path.h"
#include "settings.h"

#include <stdlib.h>

wchar_t *GenericPath(const wchar_t *Folder, const wchar_t *Path, DWORD *Error)
{
    wchar_t *joined, *opened;

    *Error = ERROR_INVALID_NAME;
    if (Path == NULL)
        return NULL;
    if (Path[0] != L'\0' && Path[1] == L':')
        return PathOpen(Path, Error);
    joined = FolderJoin(PathPlain(Folder), Path);
    if (joined == NULL) {
        *Error = ERROR_NOT_ENOUGH_MEMORY;
        return NULL;
    }
    opened = PathOpen(joined, Error);
    free(joined);
    return opened;
}

wchar_t *GenericFind(const GENERIC *Generic, const wchar_t *Path, DWORD *Error)
{
    wchar_t *own = GenericPath(Generic->Folders.Work, Path, Error), *suite;
    DWORD error;

    if (own == NULL || Generic->Folders.Suite == NULL || GetFileAttributesW(own) != INVALID_FILE_ATTRIBUTES)
        return own;
    suite = GenericPath(Generic->Folders.Suite, Path, &error);
    if (suite == NULL || GetFileAttributesW(suite) == INVALID_FILE_ATTRIBUTES) {
        free(suite);
        return own;
    }
    free(own);
    return suite;
}

static const struct {
    UINT32 Op;
    UINT32 (*Routine)(GENERIC *Generic);
    unsigned TextsMin, TextsMax;
    BOOL Threads; /* it may be started on a thread, and sets Begun there */
} GenericSteps[] = {
    {WSKP_OP_UPLOAD, DoUpload, 2, 2, FALSE},      {WSKP_OP_RUN, DoRun, 2, 3, FALSE},
    {WSKP_OP_IOCTL, DoIoctl, 1, 2, TRUE},         {WSKP_OP_COLLECT, DoCollect, 2, 2, FALSE},
    {WSKP_OP_EVENT_LOG, DoEventLog, 2, 3, FALSE},
};

static BOOL ArgumentsFit(const WSKT_STEP *Step)
{
    switch (Step->Op) {
    case WSKP_OP_RUN:
    case WSKP_OP_EVENT_LOG:
        return Step->Arg[0] <= WSKT_MAX_WAIT_MS;
    case WSKP_OP_IOCTL:
        return Step->Arg[0] <= MAXUINT32 && Step->Arg[1] <= WSKP_GENERIC_BYTES;
    default:
        return TRUE;
    }
}

BOOL GenericKnows(const WSKT_STEP *Step, WORDS Words)
{
    unsigned texts = 0;

    if (Step->TimeoutMs == 0 || Step->TimeoutMs > WSKT_MAX_WAIT_MS)
        return FALSE;
    while (WordsNext(&Words) != NULL)
        texts++;
    for (size_t i = 0; i < ARRAYSIZE(GenericSteps); i++) {
        if (GenericSteps[i].Op == Step->Op)
            return Step->Thread <= (GenericSteps[i].Threads ? WSKT_MAX_THREADS : 0) &&
                   texts >= GenericSteps[i].TextsMin && texts <= GenericSteps[i].TextsMax &&
                   ArgumentsFit(Step);
    }
    return FALSE;
}

void GenericPerform(GENERIC *Generic)
{
    for (size_t i = 0; i < ARRAYSIZE(GenericSteps); i++) {
        if (GenericSteps[i].Op == Generic->Step->Op)
            Generic->Result->Status = GenericSteps[i].Routine(Generic);
    }
}
