/**
 * A Lua VM whose global `net` is the facade of ringnet, for plug-ins that were written against the original. A call that blocks in JavaScript
 * blocks the Lua program, as it does where Lua runs natively.
 *
 * The VM is wasmoon's, used through Lua's own C API, so that bytes stay bytes: its high-level bindings would decode strings as UTF-8. Carried
 * between the two are nil, booleans, numbers, strings as bytes, lists, and JavaScript objects as userdata.
 */

import { createNet, poll } from "ringnet";
import { LuaFactory, LuaType } from "wasmoon";

const FUNCTIONS = ["open_tcp", "create_server", "open_udp", "get_local_addresses", "get_cacert_path"];

/** Makes tables of functions, and methods of objects, of one function: js(object or name of a table, name, ...). */
const PRELUDE = `
local js, tables = ...
local function calls(call)
  return setmetatable({}, { __index = function(known, name)
    known[name] = function(...) return call(name, ...) end
    return known[name]
  end })
end
for _, of in ipairs(tables) do _G[of] = calls(function(name, ...) return js(of, name, ...) end) end
local object = debug.getregistry()["JavaScript object"]
object.__index = calls(function(name, self, ...) return js(self, name, ...) end)
object.__gc = function(self) js(self) end -- Lua's collector has found it`;

/** A VM with the global `net`, of a facade with `options`; `tables` has more tables of functions. */
export async function createLuaNet(options, tables = {}) {
  const net = createNet(options);
  const functions = {
    ...Object.fromEntries(FUNCTIONS.map((name) => [name, net[name]])),
    resolve_address: (name) => net.resolve_address(textOf(name)),
    set_cacert_path: (path) => net.set_cacert_path(textOf(path)),
    poll: pollEntries,
    now: () => performance.now(),
  };
  return new LuaVm(await new LuaFactory().getLuaModule(), { ...tables, net: functions });
}

/** Which of the entries `{ object, "r" or "w" }` are ready, as a list of their places; blocks for the first, for up to `timeout` ms. */
function pollEntries(entries, timeout) {
  const watched = entries.map(([handle, kind]) => ({ handle, [String(kind) === "w" ? "writable" : "readable"]: true }));
  const ready = new Set(poll(watched, timeout ?? -1));
  return [watched.flatMap(({ handle }, i) => (ready.has(handle) ? [i + 1] : []))];
}

/** A name or path, which Lua has as bytes. */
function textOf(value) {
  return value instanceof Uint8Array ? Buffer.from(value).toString() : value;
}

class LuaVm {
  #lua;
  #state;
  #tables;
  /** The objects that Lua has, by the number in their userdata. */
  #objects = new Map();
  #last = 0;

  constructor(lua, tables) {
    this.#lua = lua;
    this.#tables = tables;
    this.#state = lua.luaL_newstate();
    lua.luaL_openlibs(this.#state);
    lua.luaL_newmetatable(this.#state, "JavaScript object");
    this.run("prelude", PRELUDE, (state) => this.#called(state), Object.keys(tables));
  }

  /** Runs a chunk of Lua with arguments; throws an `Error` with Lua's message where it fails. */
  run(name, source, ...args) {
    const bytes = Buffer.from(source);
    const pointer = this.#copyIn(bytes);
    this.#must(this.#lua.luaL_loadbufferx(this.#state, pointer, bytes.length, `@${name}`, null));
    this.#lua.module._free(pointer);
    for (const each of args) this.#push(this.#state, each);
    this.#must(this.#lua.lua_pcallk(this.#state, args.length, 0, 0, 0, null));
  }

  /** Makes `require(name)` run this chunk of Lua. */
  preload(name, source) {
    this.run("preload", "local name, text = ... package.preload[name] = assert(load(text, '@' .. name))", name, source);
  }

  /** Ends the VM, and closes what the program has forgotten. */
  close() {
    this.#lua.lua_close(this.#state);
  }

  #must(status) {
    if (status !== 0) throw new Error(String(this.#toJs(this.#state, -1)));
  }

  /** What `js` in the prelude does. An array is several results; what is thrown is an error in Lua. */
  #called(state) {
    const args = Array.from({ length: this.#lua.lua_gettop(state) }, (_, i) => this.#toJs(state, i + 1));
    try {
      const result = args.length === 1 ? this.#collected(state) : this.#call(...args);
      const results = Array.isArray(result) ? result : result === undefined ? [] : [result];
      for (const each of results) this.#push(state, each);
      return results.length;
    } catch (error) {
      this.#push(state, error.message);
    }
    return this.#lua.lua_error(state); // it leaves by an exception, which must not be caught
  }

  #call(target, name, ...args) {
    const isTable = target instanceof Uint8Array;
    const of = isTable ? this.#tables[target] : target;
    if (isTable ? !Object.hasOwn(of, name) : !Object.hasOwn(Object.getPrototypeOf(of ?? {}), name)) {
      throw new TypeError(`no function ${name}: is a method called with ":"?`);
    }
    return of[name](...args);
  }

  #collected(state) {
    this.#objects.get(this.#numberOf(state, 1))?.close?.();
    this.#objects.delete(this.#numberOf(state, 1));
  }

  #push(state, value) {
    const lua = this.#lua;
    if (value === null || value === undefined) lua.lua_pushnil(state);
    else if (typeof value === "boolean") lua.lua_pushboolean(state, Number(value));
    else if (Number.isInteger(value)) lua.lua_pushinteger(state, BigInt(value));
    else if (typeof value === "number") lua.lua_pushnumber(state, value);
    else if (typeof value === "function") lua.lua_pushcclosure(state, lua.module.addFunction(value, "ii"), 0);
    else if (typeof value === "string" || value instanceof Uint8Array) {
      const bytes = Buffer.from(value);
      const pointer = this.#copyIn(bytes);
      lua.module._lua_pushlstring(state, pointer, bytes.length);
      lua.module._free(pointer);
    } else if (Array.isArray(value)) {
      lua.lua_createtable(state, value.length, 0);
      for (const [i, each] of value.entries()) {
        this.#push(state, each);
        lua.lua_rawseti(state, -2, BigInt(i + 1));
      }
    } else {
      lua.module.HEAP32[lua.lua_newuserdatauv(state, 4, 0) >> 2] = ++this.#last;
      this.#objects.set(this.#last, value);
      lua.luaL_setmetatable(state, "JavaScript object");
    }
  }

  #toJs(state, index) {
    const lua = this.#lua;
    switch (lua.lua_type(state, index)) {
      case LuaType.Boolean:
        return lua.lua_toboolean(state, index) !== 0;
      case LuaType.Number:
        return lua.lua_tonumberx(state, index, null);
      case LuaType.String: {
        const pointer = lua.module._lua_tolstring(state, index, 0);
        return Buffer.from(lua.module.HEAPU8.slice(pointer, pointer + Number(lua.lua_rawlen(state, index))));
      }
      case LuaType.Table:
        return Array.from({ length: Number(lua.lua_rawlen(state, index)) }, (_, i) => {
          lua.lua_rawgeti(state, index, BigInt(i + 1));
          const value = this.#toJs(state, lua.lua_gettop(state));
          lua.lua_settop(state, -2);
          return value;
        });
      case LuaType.Userdata:
        return this.#objects.get(this.#numberOf(state, index));
      default:
        return null;
    }
  }

  #numberOf(state, index) {
    return this.#lua.module.HEAP32[this.#lua.lua_touserdata(state, index) >> 2];
  }

  #copyIn(bytes) {
    const pointer = this.#lua.module._malloc(Math.max(1, bytes.length));
    this.#lua.module.HEAPU8.set(bytes, pointer);
    return pointer;
  }
}
