/* request.c - the MANIFEST with which `put`, `gather` and `mkdir` begin. */
#include "request.h"
#include "complain.h"

#include <stdlib.h>

int RequestReceive(MANIFEST *Manifest, HANDLE In, HANDLE Out, FRAME *Frame)
{
    const FRAME_HEADER *header = &Frame->Header;
    const char *reason = NULL;
    UINT32 index = FRAME_ALL_FILES;
    DWORD error = FrameRead(In, Frame);

    if (error == ERROR_SUCCESS && (header->Type != FRAME_MANIFEST || header->Offset != 0)) {
        error = ERROR_INVALID_DATA;
        reason = "the first frame is not a manifest";
    } else if (error == ERROR_SUCCESS) {
        error = ManifestRead(Manifest, header->File, Frame->Payload, header->Length, &index);
        if (index >= header->File)
            index = FRAME_ALL_FILES;
        if (error == ERROR_BAD_PATHNAME)
            reason = "a path must be absolute, on a drive, of plain components";
        else if (error == ERROR_DUP_NAME)
            reason = "a path is named twice";
    }
    if (error == ERROR_SUCCESS)
        return EXIT_DONE;
    return FrameSendError(Out, (UINT16)index, error, "read the manifest", NULL, reason);
}

int RequestServe(const char *What, int Argc, int (*Serve)(const MANIFEST *Manifest, HANDLE Out, FRAME *Frame))
{
    HANDLE out = GetStdHandle(STD_OUTPUT_HANDLE);
    MANIFEST manifest = {.Count = 0};
    FRAME *frame;
    int code;

    if (Argc != 0)
        return EXIT_USAGE;
    frame = malloc(sizeof *frame);
    if (frame == NULL)
        return Complain(What, NULL, ERROR_NOT_ENOUGH_MEMORY);
    code = RequestReceive(&manifest, GetStdHandle(STD_INPUT_HANDLE), out, frame);
    if (code == EXIT_DONE)
        code = Serve(&manifest, out, frame);
    ManifestFree(&manifest);
    free(frame);
    return code;
}
