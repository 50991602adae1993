/*
 * Opens Lua's libraries and makes LuaSocket's known to `require`, in place of Lua's linit.c: nothing can be loaded dynamically here.
 */

#include "lua.h"
#include "lualib.h"
#include "lauxlib.h"

int luaopen_socket_core(lua_State *L);
int luaopen_socket_unix(lua_State *L);
int luaopen_mime_core(lua_State *L);

static const luaL_Reg opened[] = {
	{"", luaopen_base},
	{LUA_LOADLIBNAME, luaopen_package},
	{LUA_TABLIBNAME, luaopen_table},
	{LUA_IOLIBNAME, luaopen_io},
	{LUA_OSLIBNAME, luaopen_os},
	{LUA_STRLIBNAME, luaopen_string},
	{LUA_MATHLIBNAME, luaopen_math},
	{LUA_DBLIBNAME, luaopen_debug},
	{0, 0},
};

static const luaL_Reg known[] = {
	{"socket.core", luaopen_socket_core},
	{"socket.unix", luaopen_socket_unix},
	{"mime.core", luaopen_mime_core},
	{0, 0},
};

void luaL_openlibs(lua_State *L)
{
	for (const luaL_Reg *each = opened; each->func; each++) {
		lua_pushcfunction(L, each->func);
		lua_pushstring(L, each->name);
		lua_call(L, 1, 0);
	}
	lua_getglobal(L, "package");
	lua_getfield(L, -1, "preload");
	for (const luaL_Reg *each = known; each->func; each++) {
		lua_pushcfunction(L, each->func);
		lua_setfield(L, -2, each->name);
	}
	lua_pop(L, 2);
}
