/* genericdevice.c - steps that talk to a device: its handles, and requests with what the plan says of them.
 */
#include "step.h"
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
    case WSKP_TEXT_DEVICE: return &Texts->Device;
    case WSKP_TEXT_INPUT: return &Texts->In;
    case WSKP_TEXT_INPUT_FILE: return &Texts->InFile;
    case WSKP_TEXT_BUFFER: return &Texts->Buffer;
    case WSKP_TEXT_BUFFER_FILE: return &Texts->BufferFile;
    case WSKP_TEXT_OUTPUT: return &Texts->Output;
    default: return NULL;
    }
}

static BOOL TextFits(const char *Text)
{
    switch (Text[0]) {
    case WSKP_TEXT_INPUT:
    case WSKP_TEXT_BUFFER: return DigitsValid(Text + 1, FALSE, WSKP_GENERIC_BYTES);
    case WSKP_TEXT_OUTPUT:
    case WSKP_TEXT_CONTAINS: return DigitsValid(Text + 1, TRUE, WSKP_GENERIC_BYTES);
    default: return Text[1] != '\0';
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

/* What every request has, and where it is: at most that. */
static BOOL RequestFits(const WSKT_STEP *Step, WORDS Words, UINT64 WhereMax)
{
    REQUEST_TEXTS texts;

    return ReadTexts(Words, &texts) && Step->Arg[0] <= WhereMax &&
           (Step->Arg[1] <= WSKP_GENERIC_BYTES || Step->Arg[1] == WSKP_ROOM_OF_BUFFER) &&
           Step->Arg[2] <= WSKP_MAX_HANDLES && Step->Arg[3] <= WSKT_MAX_WAIT_MS + 1u &&
           (Step->Arg[2] == 0) == (texts.Device != NULL);
}

static BOOL IoctlFits(const WSKT_STEP *Step, WORDS Words) { return RequestFits(Step, Words, MAXUINT32); }

static BOOL TransferFits(const WSKT_STEP *Step, WORDS Words) { return RequestFits(Step, Words, MAXINT64); }

static BOOL RequestHandle(const WSKT_STEP *Step, UINT32 *Handle)
{
    *Handle = (UINT32)Step->Arg[2] - 1;
    return Step->Arg[2] != 0;
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
static void KeepOutput(STEP_RUN *Run, const REQUEST_TEXTS *Texts, const BUFFER *Out, UINT64 Information)
{
    CAPTURE *kept = &Run->Kept[OUTPUT_OUT];
    DWORD bytes = Out->Bytes < Information ? Out->Bytes : (DWORD)Information;

    Run->Result->Value[WSKP_V_REQUEST_BYTES] = Information;
    Run->Result->Value[WSKP_V_REQUEST_MATCH] = OutputMatches(Texts, Out->Data, bytes);
    if (bytes == 0)
        return;
    kept->Room = Out->Bytes;
    kept->Data = malloc(kept->Room);
    CaptureAdd(kept, Out->Data, bytes);
}

static UINT32 MakeTransfer(STEP_RUN *Run, REQUEST_SEND *Send, const REQUEST_TEXTS *Texts,
                           const DEVICE_FILE *File, const BUFFER *In, const BUFFER *Out)
{
    const WSKT_STEP *step = Run->Step;
    const DEVICE_TRANSFER transfer = {
        .Send = Send,
        .Where = step->Arg[0],
        .In = In->Data,
        .InBytes = In->Bytes,
        .Out = Out->Data,
        .OutBytes = Out->Bytes,
        .CancelMs = step->Arg[3] != 0 ? (DWORD)step->Arg[3] - 1 : INFINITE,
        .Begun = Run->Begun,
    };
    UINT64 information;
    UINT32 status = RequestMake(Run->Request, File, &transfer, &information);

    /* What a write reports are bytes of its input. */
    if (Send == RequestWrite)
        Run->Result->Value[WSKP_V_REQUEST_BYTES] = information;
    else
        KeepOutput(Run, Texts, Out, information);
    return status;
}

/* On the step's handle, or on one for this request alone. */
static UINT32 OnDevice(STEP_RUN *Run, REQUEST_SEND *Send, const REQUEST_TEXTS *Texts, const BUFFER *In,
                       const BUFFER *Out)
{
    DEVICE_FILE file;
    wchar_t *name;
    UINT32 status;

    if (Texts->Device == NULL)
        return MakeTransfer(Run, Send, Texts, Run->File, In, Out);
    name = WideOf(Texts->Device);
    if (name == NULL)
        return StatusOfWin32(ERROR_INVALID_NAME);
    status = DeviceFileOpen(name, FALSE, &file);
    free(name);
    if (file.Handle == NULL)
        return status;
    status = MakeTransfer(Run, Send, Texts, &file, In, Out);
    CloseHandle(file.Handle);
    return status;
}

static UINT32 MakeRequest(STEP_RUN *Run, REQUEST_SEND *Send)
{
    UINT64 room = Run->Step->Arg[1];
    REQUEST_TEXTS texts;
    BUFFER in, out = {0};
    UINT32 status;
    DWORD error;

    if (!ReadTexts(Run->Words, &texts))
        return StatusOfWin32(ERROR_INVALID_PARAMETER);
    error = MakeBuffer(texts.In, texts.InFile, 0, &in);
    if (error == ERROR_SUCCESS)
        error =
            MakeBuffer(texts.Buffer, texts.BufferFile, room != WSKP_ROOM_OF_BUFFER ? (DWORD)room : 0, &out);
    status = error == ERROR_SUCCESS ? OnDevice(Run, Send, &texts, &in, &out) : StatusOfWin32(error);
    free(in.Data);
    free(out.Data);
    return status;
}

static UINT32 DoIoctl(STEP_RUN *Run) { return MakeRequest(Run, RequestIoctl); }

static UINT32 DoRead(STEP_RUN *Run) { return MakeRequest(Run, RequestRead); }

static UINT32 DoWrite(STEP_RUN *Run) { return MakeRequest(Run, RequestWrite); }

#define REQUEST_TEXTS_MAX 16u
#define REQUEST_TRAITS    (STEP_ON_THREADS | STEP_IN_LOOPS | STEP_REQUESTS)

const STEP_KIND IoctlStep = {.Op = WSKP_OP_IOCTL,
                             .Execute = DoIoctl,
                             .Fits = IoctlFits,
                             .Handle = RequestHandle,
                             .TextsMax = REQUEST_TEXTS_MAX,
                             .Traits = REQUEST_TRAITS};
const STEP_KIND ReadDeviceStep = {.Op = WSKP_OP_READ,
                                  .Execute = DoRead,
                                  .Fits = TransferFits,
                                  .Handle = RequestHandle,
                                  .TextsMax = REQUEST_TEXTS_MAX,
                                  .Traits = REQUEST_TRAITS};
const STEP_KIND WriteDeviceStep = {.Op = WSKP_OP_WRITE,
                                   .Execute = DoWrite,
                                   .Fits = TransferFits,
                                   .Handle = RequestHandle,
                                   .TextsMax = REQUEST_TEXTS_MAX,
                                   .Traits = REQUEST_TRAITS};
