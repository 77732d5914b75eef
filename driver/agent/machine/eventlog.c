/*
 * eventlog.c - lines of the event log of Windows.
 *
 * Source: "Consuming Events" and "Rendering Events" in the reference of Windows Event Log, whose library is
 * loaded when it is needed: not every system that runs Windows programs has it. Unproven: Wine has no event
 * log to read.
 */
#include "eventlog.h"

#include <stdlib.h>
#include <winevt.h>

#define LOG_POLL_MS   100u
#define QUERY_CHARS   1024u
#define XML_BYTES_MAX (256u * 1024u)
#define AT_ONCE       16u
#define NEXT_MS       1000u

typedef EVT_HANDLE WINAPI EVT_QUERY(EVT_HANDLE, LPCWSTR, LPCWSTR, DWORD);
typedef BOOL WINAPI EVT_NEXT(EVT_HANDLE, DWORD, EVT_HANDLE *, DWORD, DWORD, DWORD *);
typedef BOOL WINAPI EVT_RENDER(EVT_HANDLE, EVT_HANDLE, DWORD, DWORD, void *, DWORD *, DWORD *);
typedef BOOL WINAPI EVT_CLOSE(EVT_HANDLE);

typedef struct EVENT_API {
    HMODULE Library;
    EVT_QUERY *Query;
    EVT_NEXT *Next;
    EVT_RENDER *Render;
    EVT_CLOSE *Close;
} EVENT_API;

static DWORD LoadApi(EVENT_API *Api)
{
    Api->Library = LoadLibraryExW(L"wevtapi.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (Api->Library == NULL)
        return ERROR_NOT_SUPPORTED;
    Api->Query = (EVT_QUERY *)(void (*)(void))GetProcAddress(Api->Library, "EvtQuery");
    Api->Next = (EVT_NEXT *)(void (*)(void))GetProcAddress(Api->Library, "EvtNext");
    Api->Render = (EVT_RENDER *)(void (*)(void))GetProcAddress(Api->Library, "EvtRender");
    Api->Close = (EVT_CLOSE *)(void (*)(void))GetProcAddress(Api->Library, "EvtClose");
    if (Api->Query != NULL && Api->Next != NULL && Api->Render != NULL && Api->Close != NULL)
        return ERROR_SUCCESS;
    FreeLibrary(Api->Library);
    return ERROR_NOT_SUPPORTED;
}

/* *[System[CONDITIONS TimeCreated[timediff(@SystemTime) <= MS]]] */
static BOOL WriteQuery(wchar_t Query[QUERY_CHARS], const wchar_t *Conditions, UINT64 Ms)
{
    wchar_t digits[24];
    size_t at = ARRAYSIZE(digits) - 1;

    digits[at] = L'\0';
    do {
        digits[--at] = (wchar_t)(L'0' + Ms % 10);
        Ms /= 10;
    } while (Ms != 0);
    if (wcslen(Conditions) > QUERY_CHARS - 100)
        return FALSE;
    wcscpy(Query, L"*[System[");
    wcscat(Query, Conditions);
    wcscat(Query, L"TimeCreated[timediff(@SystemTime) <= ");
    wcscat(Query, digits + at);
    wcscat(Query, L"]]]");
    return TRUE;
}

static void KeepWide(CAPTURE *Kept, const wchar_t *Text)
{
    int bytes = WideCharToMultiByte(CP_UTF8, 0, Text, -1, NULL, 0, NULL, NULL);
    char *utf8 = bytes > 0 ? malloc((size_t)bytes) : NULL;

    if (utf8 == NULL)
        return;
    if (WideCharToMultiByte(CP_UTF8, 0, Text, -1, utf8, bytes, NULL, NULL) != 0)
        CaptureAdd(Kept, utf8, (DWORD)bytes - 1);
    free(utf8);
}

/* Whether the event's XML has the text; then it is kept. An event that is too long has not. */
static BOOL Matches(const EVENT_API *Api, EVT_HANDLE Event, const wchar_t *Text, wchar_t *Xml, CAPTURE *Kept)
{
    DWORD used, properties;

    if (!Api->Render(NULL, Event, EvtRenderEventXml, XML_BYTES_MAX - sizeof *Xml, Xml, &used, &properties))
        return FALSE;
    Xml[used / sizeof *Xml] = L'\0';
    if (Text != NULL && wcsstr(Xml, Text) == NULL)
        return FALSE;
    KeepWide(Kept, Xml);
    return TRUE;
}

static DWORD LookOnce(const EVENT_API *Api, const wchar_t *Channel, const wchar_t *Query, const wchar_t *Text,
                      wchar_t *Xml, CAPTURE *Kept)
{
    EVT_HANDLE events[AT_ONCE], results = Api->Query(NULL, Channel, Query, EvtQueryChannelPath);
    DWORD count, error = ERROR_TIMEOUT;

    if (results == NULL)
        return GetLastError();
    while (error == ERROR_TIMEOUT && Api->Next(results, AT_ONCE, events, NEXT_MS, 0, &count)) {
        for (DWORD i = 0; i < count; i++) {
            if (error == ERROR_TIMEOUT && Matches(Api, events[i], Text, Xml, Kept))
                error = ERROR_SUCCESS;
            Api->Close(events[i]);
        }
    }
    Api->Close(results);
    return error;
}

DWORD EventLogAwait(const wchar_t *Channel, const wchar_t *Conditions, const wchar_t *Text, UINT64 SinceMs,
                    UINT32 WaitMs, CAPTURE *Kept)
{
    UINT64 begin = GetTickCount64();
    wchar_t query[QUERY_CHARS], *xml;
    EVENT_API api;
    DWORD error = LoadApi(&api);

    if (error != ERROR_SUCCESS)
        return error;
    xml = malloc(XML_BYTES_MAX);
    error = xml != NULL ? ERROR_TIMEOUT : ERROR_NOT_ENOUGH_MEMORY;
    while (error == ERROR_TIMEOUT) {
        UINT64 waited = GetTickCount64() - begin;

        if (!WriteQuery(query, Conditions, SinceMs + waited))
            error = ERROR_INVALID_PARAMETER;
        else
            error = LookOnce(&api, Channel, query, Text, xml, Kept);
        if (waited >= WaitMs)
            break;
        if (error == ERROR_TIMEOUT)
            Sleep(LOG_POLL_MS);
    }
    free(xml);
    FreeLibrary(api.Library);
    return error;
}
