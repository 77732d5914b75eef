/*
 * generic.c - the steps that need nothing of a driver but that it is one.
 *
 * Sources: "CopyFile2", "DeviceIoControl" and "CreateProcess" in the Win32 reference. RtlGetLastNtStatus,
 * which ntdll exports and no header declares, has the status of the system call that GetLastError speaks of.
 */
#include "generic.h"
#include "eventlog.h"
#include "path.h"
#include "settings.h"
#include "status.h"

#include <stdlib.h>
#include <wchar.h>

#define STATUS_FILE_TOO_LARGE_VALUE 0xC0000904u

#define COMMAND_CHARS 32000u
#define IOCTL_BYTES   WSKP_GENERIC_BYTES

ULONG NTAPI RtlGetLastNtStatus(void);

/* ---- paths ---- */

/* A path of a step, checked; NULL with the reason. To be freed. */
static wchar_t *Resolve(const wchar_t *Folder, const wchar_t *Path, DWORD *Error)
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

/* ---- files ---- */

static DWORD SizeOf(const wchar_t *Path, UINT64 *Bytes)
{
    WIN32_FILE_ATTRIBUTE_DATA data;

    if (!GetFileAttributesExW(Path, GetFileExInfoStandard, &data))
        return GetLastError();
    if ((data.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
        return ERROR_DIRECTORY;
    *Bytes = (UINT64)data.nFileSizeHigh << 32 | data.nFileSizeLow;
    return ERROR_SUCCESS;
}

/* Copies a file to a place whose folders are made. */
static DWORD CopyTo(const wchar_t *From, const wchar_t *To)
{
    DWORD error = PathMakeFolders(To);

    if (error == ERROR_SUCCESS && !CopyFileW(From, To, FALSE))
        error = GetLastError();
    return error;
}

static UINT32 Transfer(GENERIC *Generic, const wchar_t *ToFolder, UINT64 BytesMax)
{
    wchar_t *from = WordsNextWide(&Generic->Words), *to = WordsNextWide(&Generic->Words);
    wchar_t *source, *target = NULL;
    UINT64 bytes = 0;
    UINT32 status;
    DWORD error;

    source = Resolve(Generic->Folders.Work, from, &error);
    if (source != NULL)
        target = Resolve(ToFolder, to, &error);
    if (target != NULL)
        error = SizeOf(source, &bytes);
    Generic->Result->Value[WSKP_V_FILE_BYTES] = bytes;
    status = STATUS_FILE_TOO_LARGE_VALUE;
    if (error != ERROR_SUCCESS || bytes <= BytesMax) {
        if (error == ERROR_SUCCESS)
            error = CopyTo(source, target);
        status = StatusOfWin32(error);
    }
    free(source);
    free(target);
    free(from);
    free(to);
    return status;
}

static UINT32 DoUpload(GENERIC *Generic)
{
    return Transfer(Generic, Generic->Folders.Work, MAXUINT64);
}

static UINT32 DoCollect(GENERIC *Generic)
{
    return Transfer(Generic, Generic->Folders.Files, Generic->Step->Arg[0]);
}

/* ---- programs ---- */

static DWORD KeepFile(const wchar_t *Path, CAPTURE *Kept)
{
    UINT8 buffer[4096];
    DWORD got = 0, error = ERROR_SUCCESS;
    HANDLE file =
        CreateFileW(Path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL);

    if (file == INVALID_HANDLE_VALUE)
        return GetLastError();
    Kept->Room = WSKP_REPORT_BYTES;
    Kept->Data = malloc(Kept->Room);
    do {
        if (!ReadFile(file, buffer, sizeof buffer, &got, NULL)) {
            error = GetLastError();
            break;
        }
        CaptureAdd(Kept, buffer, got);
    } while (got != 0 && Kept->Total <= Kept->Room);
    CloseHandle(file);
    return error;
}

/* "C:\…\work\0\tool.exe" arguments; a program that is not in the case's folder is looked for as Windows does.
 */
static wchar_t *CommandLine(const GENERIC *Generic, const wchar_t *Program, const wchar_t *Arguments)
{
    wchar_t *line = calloc(COMMAND_CHARS, sizeof *line);
    DWORD error;
    wchar_t *own = Resolve(Generic->Folders.Work, Program, &error);
    const wchar_t *name = Program;

    if (own != NULL && GetFileAttributesW(own) != INVALID_FILE_ATTRIBUTES)
        name = PathPlain(own);
    if (line != NULL && wcslen(name) + wcslen(Arguments) + 3 < COMMAND_CHARS && wcschr(name, L'"') == NULL) {
        wcscpy(line, L"\"");
        wcscat(line, name);
        wcscat(line, L"\"");
        wcscat(line, Arguments); /* begins with a blank */
    } else {
        free(line);
        line = NULL;
    }
    free(own);
    return line;
}

static UINT32 RunProgram(GENERIC *Generic, PROGRAM *Program, const wchar_t *Report)
{
    wchar_t *path;
    DWORD error = ProgramRun(Program);

    Generic->Kept[OUTPUT_OUT] = Program->Out;
    Generic->Kept[OUTPUT_ERR] = Program->Err;
    Generic->Result->Value[WSKP_V_RUN_EXIT] = Program->ExitCode;
    Generic->Result->Value[WSKP_V_RUN_OUT] = Program->Out.Total;
    Generic->Result->Value[WSKP_V_RUN_ERR] = Program->Err.Total;
    if (error != ERROR_SUCCESS)
        return StatusOfWin32(error);
    if (Program->TimedOut)
        return STATUS_TIMEOUT_VALUE;
    if (Report == NULL)
        return STATUS_SUCCESS_VALUE;
    path = Resolve(Generic->Folders.Work, Report, &error);
    if (path != NULL)
        error = KeepFile(path, &Generic->Kept[OUTPUT_REPORT]);
    free(path);
    /* Of a program that says that it failed, that is what is to be told. */
    return Program->ExitCode != 0 ? STATUS_SUCCESS_VALUE : StatusOfWin32(error);
}

/* The case's folder, which is made when something first needs it. */
static DWORD MakeCaseFolder(const wchar_t *Folder)
{
    wchar_t *inside = FolderJoin(Folder, L"x");
    DWORD error = inside != NULL ? PathMakeFolders(inside) : ERROR_NOT_ENOUGH_MEMORY;

    free(inside);
    return error;
}

static UINT32 DoRun(GENERIC *Generic)
{
    PROGRAM program = {.TimeoutMs = (UINT32)Generic->Step->Arg[0]};
    wchar_t *name = WordsNextWide(&Generic->Words), *arguments = WordsNextWide(&Generic->Words);
    wchar_t *report = WordsNextWide(&Generic->Words); /* NULL: it writes none */
    UINT32 status = StatusOfWin32(ERROR_INVALID_NAME);

    program.Out.Room = program.Err.Room = WSKP_GENERIC_BYTES;
    program.Folder = PathPlain(Generic->Folders.Work);
    if (name != NULL && arguments != NULL)
        program.CommandLine = CommandLine(Generic, name, arguments);
    if (program.CommandLine != NULL)
        status = StatusOfWin32(MakeCaseFolder(Generic->Folders.Work));
    if (status == STATUS_SUCCESS_VALUE)
        status = RunProgram(Generic, &program, report);
    free(program.CommandLine);
    free(name);
    free(arguments);
    free(report);
    return status;
}

/* ---- requests to a device ---- */

/* NAME, or the whole of \\.\NAME. */
static HANDLE OpenDeviceNamed(const wchar_t *Name)
{
    wchar_t *path, *prefixed = NULL;
    HANDLE file = INVALID_HANDLE_VALUE;

    if (Name != NULL && Name[0] != L'\\')
        prefixed = FolderJoin(L"\\\\.", Name);
    path = prefixed != NULL ? prefixed : (wchar_t *)Name;
    if (path != NULL)
        file = CreateFileW(path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                           OPEN_EXISTING, 0, NULL);
    free(prefixed);
    return file;
}

/* The status of the last system call, and the Win32 error that was made of it. */
static UINT32 LastStatus(GENERIC *Generic, DWORD Win32)
{
    ULONG status = RtlGetLastNtStatus();

    Generic->Result->Value[WSKP_V_IOCTL_WIN32] = Win32;
    return (LONG)status < 0 ? status : StatusOfWin32(Win32);
}

static UINT32 Request(GENERIC *Generic, HANDLE Device, UINT8 *In, DWORD InBytes, UINT8 *Out, DWORD OutBytes)
{
    DWORD returned = 0;
    UINT32 status = STATUS_SUCCESS_VALUE;

    if (!DeviceIoControl(Device, (DWORD)Generic->Step->Arg[0], In, InBytes, Out, OutBytes, &returned, NULL))
        status = LastStatus(Generic, GetLastError());
    Generic->Result->Value[WSKP_V_IOCTL_BYTES] = returned;
    CaptureAdd(&Generic->Kept[OUTPUT_OUT], Out, returned < OutBytes ? returned : OutBytes);
    return status;
}

static UINT32 DoIoctl(GENERIC *Generic)
{
    wchar_t *name = WordsNextWide(&Generic->Words);
    const char *digits = WordsNext(&Generic->Words);
    DWORD inBytes = 0, outBytes = (DWORD)Generic->Step->Arg[1];
    UINT8 *in = malloc(IOCTL_BYTES), *out = calloc(1, IOCTL_BYTES);
    CAPTURE *kept = &Generic->Kept[OUTPUT_OUT];
    UINT32 status = StatusOfWin32(ERROR_NOT_ENOUGH_MEMORY);
    HANDLE device;

    kept->Room = IOCTL_BYTES;
    kept->Data = malloc(kept->Room);
    if (name != NULL && in != NULL && out != NULL && kept->Data != NULL &&
        (digits == NULL || HexBytes(digits, in, IOCTL_BYTES, &inBytes))) {
        device = OpenDeviceNamed(name);
        if (device == INVALID_HANDLE_VALUE) {
            status = LastStatus(Generic, GetLastError());
        } else {
            status = Request(Generic, device, in, inBytes, out, outBytes);
            CloseHandle(device);
        }
    }
    free(name);
    free(in);
    free(out);
    return status;
}

/* ---- lines of an event log ---- */

static UINT32 DoEventLog(GENERIC *Generic)
{
    wchar_t *channel = WordsNextWide(&Generic->Words), *conditions = WordsNextWide(&Generic->Words);
    wchar_t *text = WordsNextWide(&Generic->Words);
    CAPTURE *kept = &Generic->Kept[OUTPUT_OUT];
    DWORD error = ERROR_NOT_ENOUGH_MEMORY;

    kept->Room = WSKP_GENERIC_BYTES;
    kept->Data = malloc(kept->Room);
    if (channel != NULL && conditions != NULL)
        error =
            EventLogAwait(channel, conditions, text, Generic->SinceMs, (UINT32)Generic->Step->Arg[0], kept);
    free(channel);
    free(conditions);
    free(text);
    return error == ERROR_TIMEOUT ? STATUS_TIMEOUT_VALUE : StatusOfWin32(error);
}

/* ---- all of them ---- */

static const struct {
    UINT32 Op;
    UINT32 (*Routine)(GENERIC *Generic);
    unsigned TextsMin, TextsMax;
} GenericSteps[] = {
    {WSKP_OP_UPLOAD, DoUpload, 2, 2},      {WSKP_OP_RUN, DoRun, 2, 3},
    {WSKP_OP_IOCTL, DoIoctl, 1, 2},        {WSKP_OP_COLLECT, DoCollect, 2, 2},
    {WSKP_OP_EVENT_LOG, DoEventLog, 2, 3},
};

static BOOL ArgumentsFit(const WSKT_STEP *Step)
{
    switch (Step->Op) {
    case WSKP_OP_RUN:
    case WSKP_OP_EVENT_LOG:
        return Step->Arg[0] <= WSKT_MAX_WAIT_MS;
    case WSKP_OP_IOCTL:
        return Step->Arg[0] <= MAXUINT32 && Step->Arg[1] <= IOCTL_BYTES;
    default:
        return TRUE;
    }
}

BOOL GenericKnows(const WSKT_STEP *Step, WORDS Words)
{
    unsigned texts = 0;

    while (WordsNext(&Words) != NULL)
        texts++;
    for (size_t i = 0; i < ARRAYSIZE(GenericSteps); i++) {
        if (GenericSteps[i].Op == Step->Op)
            return texts >= GenericSteps[i].TextsMin && texts <= GenericSteps[i].TextsMax &&
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
