/* genericdevice.c - steps that talk to a device: its handles, and requests with what the plan says of them.
 */
#include "genericsteps.h"
#include "path.h"
#include "pattern.h"
#include "settings.h"
#include "status.h"
#include "stream.h"

#include <stdlib.h>

/* What the texts of a request say. */
typedef struct REQUEST_TEXTS {
    const char *Device;
    const char *In, *InFile;
    const char *Buffer, *BufferFile;
    const char *Output;
    WORDS All; /* 'c' may be in it more than once */
} REQUEST_TEXTS;

/* Where the text with this letter belongs; NULL: there is no such letter. */
static const char **PlaceOf(REQUEST_TEXTS *Texts, char Letter)
{
    switch (Letter) {
    case WSKP_TEXT_DEVICE:
        return &Texts->Device;
    case WSKP_TEXT_INPUT:
        return &Texts->In;
    case WSKP_TEXT_INPUT_FILE:
        return &Texts->InFile;
    case WSKP_TEXT_BUFFER:
        return &Texts->Buffer;
    case WSKP_TEXT_BUFFER_FILE:
        return &Texts->BufferFile;
    case WSKP_TEXT_OUTPUT:
        return &Texts->Output;
    default:
        return NULL;
    }
}

static BOOL TextFits(const char *Text)
{
    switch (Text[0]) {
    case WSKP_TEXT_INPUT:
    case WSKP_TEXT_BUFFER:
        return DigitsValid(Text + 1, FALSE, WSKP_GENERIC_BYTES);
    case WSKP_TEXT_OUTPUT:
    case WSKP_TEXT_CONTAINS:
        return DigitsValid(Text + 1, TRUE, WSKP_GENERIC_BYTES);
    default:
        return Text[1] != '\0';
    }
}

static BOOL ReadTexts(WORDS Words, REQUEST_TEXTS *Texts)
{
    const char *text;

    *Texts = (REQUEST_TEXTS){.All = Words};
    while ((text = WordsNext(&Words)) != NULL) {
        const char **place = PlaceOf(Texts, text[0]);

        if ((place == NULL && text[0] != WSKP_TEXT_CONTAINS) || (place != NULL && *place != NULL) ||
            !TextFits(text))
            return FALSE;
        if (place != NULL)
            *place = text + 1;
    }
    return TRUE;
}

BOOL RequestKnows(const WSKT_STEP *Step, WORDS Words)
{
    REQUEST_TEXTS texts;

    return ReadTexts(Words, &texts) && Step->Arg[0] <= (Step->Op == WSKP_OP_IOCTL ? MAXUINT32 : MAXINT64) &&
           (Step->Arg[1] <= WSKP_GENERIC_BYTES || Step->Arg[1] == WSKP_ROOM_OF_BUFFER) &&
           Step->Arg[2] <= WSKP_MAX_HANDLES && Step->Arg[3] <= WSKT_MAX_WAIT_MS + 1u &&
           (Step->Arg[2] == 0) == (texts.Device != NULL);
}

/* One buffer of a request: bytes from digits or a file, and room for more. Data is NULL where it is of 0
 * bytes.
 */
typedef struct BUFFER {
    UINT8 *Data; /* to be freed */
    DWORD Bytes;
} BUFFER;

/* Room: how long it is at least. Nothing is allocated after an error. */
static DWORD MakeBuffer(const char *Digits, const char *File, DWORD Room, BUFFER *Buffer)
{
    DWORD error = ERROR_SUCCESS, bytes = Digits != NULL ? (DWORD)(strlen(Digits) / 2) : 0;
    UINT8 *read = NULL;
    size_t size = 0;

    *Buffer = (BUFFER){0};
    if (File != NULL) {
        wchar_t *path = PathOpenUtf8(File, strlen(File), &error);

        if (path != NULL)
            error = ReadWholeFile(path, WSKP_GENERIC_BYTES, &read, &size);
        free(path);
        bytes = (DWORD)size;
    }
    if (error != ERROR_SUCCESS)
        return error;
    Buffer->Bytes = bytes > Room ? bytes : Room;
    if (Buffer->Bytes != 0)
        Buffer->Data = calloc(1, Buffer->Bytes);
    if (Buffer->Bytes != 0 && Buffer->Data == NULL)
        error = ERROR_NOT_ENOUGH_MEMORY;
    else if (read != NULL && bytes != 0)
        memcpy(Buffer->Data, read, bytes);
    else if (Digits != NULL)
        (void)HexBytes(Digits, Buffer->Data, bytes, &bytes); /* they were looked at when the plan was read */
    free(read);
    return error;
}

/* Is the output what the texts say? */
static BOOL OutputMatches(const REQUEST_TEXTS *Texts, const UINT8 *Data, size_t Bytes)
{
    WORDS words = Texts->All;
    const char *text;

    if (Texts->Output != NULL && !PatternIs(Texts->Output, Data, Bytes))
        return FALSE;
    while ((text = WordsNext(&words)) != NULL) {
        if (text[0] == WSKP_TEXT_CONTAINS && !PatternIn(text + 1, Data, Bytes))
            return FALSE;
    }
    return TRUE;
}

/* What came back, as it is reported. */
static void KeepOutput(GENERIC *Generic, const REQUEST_TEXTS *Texts, const BUFFER *Out, UINT64 Information)
{
    CAPTURE *kept = &Generic->Kept[OUTPUT_OUT];
    DWORD bytes = Out->Bytes < Information ? Out->Bytes : (DWORD)Information;

    Generic->Result->Value[WSKP_V_REQUEST_BYTES] = Information;
    Generic->Result->Value[WSKP_V_REQUEST_MATCH] = OutputMatches(Texts, Out->Data, bytes);
    if (bytes == 0)
        return;
    kept->Room = Out->Bytes;
    kept->Data = malloc(kept->Room);
    CaptureAdd(kept, Out->Data, bytes);
}

static UINT32 MakeTransfer(GENERIC *Generic, const REQUEST_TEXTS *Texts, const DEVICE_FILE *File,
                           const BUFFER *In, const BUFFER *Out)
{
    const WSKT_STEP *step = Generic->Step;
    const DEVICE_TRANSFER transfer = {
        .Op = step->Op,
        .Where = step->Arg[0],
        .In = In->Data,
        .InBytes = In->Bytes,
        .Out = Out->Data,
        .OutBytes = Out->Bytes,
        .CancelMs = step->Arg[3] != 0 ? (DWORD)step->Arg[3] - 1 : INFINITE,
        .Begun = Generic->Begun,
    };
    UINT64 information;
    UINT32 status = RequestMake(Generic->Request, File, &transfer, &information);

    /* What a write reports are bytes of its input. */
    if (step->Op == WSKP_OP_WRITE)
        Generic->Result->Value[WSKP_V_REQUEST_BYTES] = information;
    else
        KeepOutput(Generic, Texts, Out, information);
    return status;
}

/* On the step's handle, or on one for this request alone. */
static UINT32 OnDevice(GENERIC *Generic, const REQUEST_TEXTS *Texts, const BUFFER *In, const BUFFER *Out)
{
    DEVICE_FILE file;
    wchar_t *name;
    UINT32 status;

    if (Texts->Device == NULL)
        return MakeTransfer(Generic, Texts, Generic->File, In, Out);
    name = WideOf(Texts->Device);
    if (name == NULL)
        return StatusOfWin32(ERROR_INVALID_NAME);
    status = DeviceFileOpen(name, FALSE, &file);
    free(name);
    if (file.Handle == NULL)
        return status;
    status = MakeTransfer(Generic, Texts, &file, In, Out);
    CloseHandle(file.Handle);
    return status;
}

UINT32 DoRequest(GENERIC *Generic)
{
    UINT64 room = Generic->Step->Arg[1];
    REQUEST_TEXTS texts;
    BUFFER in, out = {0};
    UINT32 status;
    DWORD error;

    if (!ReadTexts(Generic->Words, &texts))
        return StatusOfWin32(ERROR_INVALID_PARAMETER);
    error = MakeBuffer(texts.In, texts.InFile, 0, &in);
    if (error == ERROR_SUCCESS)
        error =
            MakeBuffer(texts.Buffer, texts.BufferFile, room != WSKP_ROOM_OF_BUFFER ? (DWORD)room : 0, &out);
    status = error == ERROR_SUCCESS ? OnDevice(Generic, &texts, &in, &out) : StatusOfWin32(error);
    free(in.Data);
    free(out.Data);
    return status;
}

UINT32 DoOpen(GENERIC *Generic)
{
    wchar_t *name = WordsNextWide(&Generic->Words);
    UINT32 status = StatusOfWin32(ERROR_INVALID_NAME);

    if (name != NULL)
        status = DeviceFileOpen(name, (Generic->Step->Arg[1] & WSKP_OPEN_SYNCHRONOUS) != 0, Generic->File);
    free(name);
    return status;
}

UINT32 DoClose(GENERIC *Generic)
{
    HANDLE handle = Generic->File->Handle;

    Generic->File->Handle = NULL;
    return CloseHandle(handle) ? STATUS_SUCCESS_VALUE : StatusOfWin32(GetLastError());
}

UINT32 DoCancelHandle(GENERIC *Generic)
{
    if (CancelIoEx(Generic->File->Handle, NULL))
        return STATUS_SUCCESS_VALUE;
    return GetLastError() == ERROR_NOT_FOUND ? STATUS_NOT_FOUND_VALUE : StatusOfWin32(GetLastError());
}
