/**
 * A Lua VM, with values carried between Lua and JavaScript: nil, booleans, numbers, strings as bytes, lists, and
 * JavaScript objects as userdata.
 *
 * The VM is wasmoon's, used through Lua's own C API, so that bytes stay bytes: its high-level bindings would decode strings as UTF-8.
 */

import { LuaFactory, LuaType } from "wasmoon";

const METATABLE = "JavaScript object";

export class LuaVm {
  #lua;
  #state;
  /** The objects that Lua has, by the number in their userdata. */
  #objects = new Map();
  #last = 0;

  /** `methods`: the names of the methods that Lua may call on objects. */
  static async create(methods) {
    return new LuaVm(await new LuaFactory().getLuaModule(), methods);
  }

  constructor(lua, methods) {
    this.#lua = lua;
    this.#state = lua.luaL_newstate();
    lua.luaL_openlibs(this.#state);
    this.#makeMetatable(methods);
  }

  /** Makes a global table of functions. What they return is one result, an array several; what they throw is an error in Lua. */
  setGlobal(name, functions) {
    this.#pushTable(functions);
    this.#lua.lua_setglobal(this.#state, name);
  }

  /** Makes `require(name)` load this chunk of Lua. */
  preload(name, source) {
    const lua = this.#lua;
    lua.lua_getglobal(this.#state, "package");
    lua.lua_getfield(this.#state, -1, "preload");
    this.#load(name, source);
    lua.lua_setfield(this.#state, -2, name);
    lua.lua_settop(this.#state, -3);
  }

  /** Runs a chunk of Lua with arguments (texts, bytes, numbers); throws an `Error` with Lua's message where it fails. */
  run(name, source, ...args) {
    this.#load(name, source);
    for (const each of args) this.#push(this.#state, each);
    this.#must(this.#lua.lua_pcallk(this.#state, args.length, 0, 0, 0, null));
  }

  /** Ends the VM, and closes what the program has forgotten. */
  close() {
    this.#lua.lua_close(this.#state);
  }

  #load(name, source) {
    const bytes = Buffer.from(source);
    const pointer = this.#copyIn(bytes);
    const status = this.#lua.luaL_loadbufferx(this.#state, pointer, bytes.length, `@${name}`, null);
    this.#lua.module._free(pointer);
    this.#must(status);
  }

  #must(status) {
    if (status === 0) return;
    const message = String(this.#toJs(this.#state, -1));
    this.#lua.lua_settop(this.#state, -2);
    throw new Error(message);
  }

  /** The metatable of all objects: methods, and what happens when Lua's collector finds one. */
  #makeMetatable(names) {
    const lua = this.#lua;
    lua.luaL_newmetatable(this.#state, METATABLE);
    const methods = {};
    for (const name of names) {
      methods[name] = (object, ...args) => {
        if (typeof object?.[name] !== "function") throw new TypeError(`no method ${name}: is it called with ":"?`);
        return object[name](...args);
      };
    }
    this.#pushTable(methods);
    lua.lua_setfield(this.#state, -2, "__index");
    this.#pushFunction((object) => String(object));
    lua.lua_setfield(this.#state, -2, "__tostring");
    const collect = (state) => {
      const number = this.#numberOf(state, 1);
      this.#objects.get(number)?.close?.();
      this.#objects.delete(number);
      return 0;
    };
    lua.lua_pushcclosure(this.#state, lua.module.addFunction(collect, "ii"), 0);
    lua.lua_setfield(this.#state, -2, "__gc");
    lua.lua_settop(this.#state, -2);
  }

  #pushTable(functions) {
    this.#lua.lua_createtable(this.#state, 0, 0);
    for (const [name, call] of Object.entries(functions)) {
      this.#pushFunction(call);
      this.#lua.lua_setfield(this.#state, -2, name);
    }
  }

  #pushFunction(call) {
    const lua = this.#lua;
    const run = (state) => {
      const args = Array.from({ length: lua.lua_gettop(state) }, (_, i) => this.#toJs(state, i + 1));
      let results;
      let failure = null;
      try {
        const result = call(...args);
        results = Array.isArray(result) ? result : result === undefined ? [] : [result];
      } catch (error) {
        failure = error.message;
      }
      if (failure === null) for (const each of results) this.#push(state, each);
      else this.#push(state, failure);
      // Lua leaves this function by an exception here, which must not be caught.
      return failure === null ? results.length : lua.lua_error(state);
    };
    lua.lua_pushcclosure(this.#state, lua.module.addFunction(run, "ii"), 0);
  }

  #push(state, value) {
    const lua = this.#lua;
    if (value === null || value === undefined) lua.lua_pushnil(state);
    else if (typeof value === "boolean") lua.lua_pushboolean(state, Number(value));
    else if (Number.isInteger(value)) lua.lua_pushinteger(state, BigInt(value));
    else if (typeof value === "number") lua.lua_pushnumber(state, value);
    else if (typeof value === "string" || value instanceof Uint8Array) this.#pushBytes(state, Buffer.from(value));
    else if (Array.isArray(value)) this.#pushList(state, value);
    else this.#pushObject(state, value);
  }

  #pushBytes(state, bytes) {
    const pointer = this.#copyIn(bytes);
    this.#lua.module._lua_pushlstring(state, pointer, bytes.length);
    this.#lua.module._free(pointer);
  }

  #pushList(state, list) {
    this.#lua.lua_createtable(state, list.length, 0);
    for (const [i, each] of list.entries()) {
      this.#push(state, each);
      this.#lua.lua_rawseti(state, -2, BigInt(i + 1));
    }
  }

  #pushObject(state, object) {
    const lua = this.#lua;
    const pointer = lua.lua_newuserdatauv(state, 4, 0);
    lua.module.HEAP32[pointer >> 2] = ++this.#last;
    this.#objects.set(this.#last, object);
    lua.luaL_setmetatable(state, METATABLE);
  }

  #toJs(state, index) {
    const lua = this.#lua;
    switch (lua.lua_type(state, index)) {
      case LuaType.Boolean:
        return lua.lua_toboolean(state, index) !== 0;
      case LuaType.Number:
        return lua.lua_tonumberx(state, index, null);
      case LuaType.String:
        return this.#bytesAt(state, index);
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

  /** The bytes of a Lua string, copied: Lua may move or free its own. */
  #bytesAt(state, index) {
    const length = Number(this.#lua.lua_rawlen(state, index)); // it is a BigInt
    const pointer = this.#lua.module._lua_tolstring(state, index, 0);
    return Buffer.from(this.#lua.module.HEAPU8.subarray(pointer, pointer + length));
  }

  #copyIn(bytes) {
    const pointer = this.#lua.module._malloc(Math.max(1, bytes.length));
    this.#lua.module.HEAPU8.set(bytes, pointer);
    return pointer;
  }
}
