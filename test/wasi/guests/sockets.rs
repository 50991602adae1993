//! A program for the tests, in plain Rust: `sockets.wasm <what> <arguments…>`. build.sh makes the component of it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs, UdpSocket};

fn main() -> io::Result<()> {
    let words: Vec<String> = std::env::args().collect();
    let rest: Vec<&str> = words[2..].iter().map(String::as_str).collect();
    match words[1].as_str() {
        "talk" => talk(rest[0], rest[1]),
        "download" => download(rest[0]),
        "upload" => upload(rest[0], rest[1].parse().unwrap()),
        "serve" => serve(rest[0].parse().unwrap()),
        "datagrams" => datagrams(rest[0]),
        "resolve" => resolve(rest[0]),
        "copy" => copy(rest[0]),
        "read-now" => read_now(rest[0]),
        _ => panic!("unknown command"),
    }
}

/// Sends a text, ends its side, and prints what comes back until the end.
fn talk(address: &str, text: &str) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    println!("{} {}", stream.peer_addr()?, stream.local_addr()?.ip());
    stream.write_all(text.as_bytes())?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    println!("{answer}");
    Ok(())
}

/// Prints the length and a checksum of what the server sends.
fn download(address: &str) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    let mut buffer = vec![0; 65536];
    let (mut length, mut sum) = (0u64, 0u32);
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        length += count as u64;
        for byte in &buffer[..count] {
            sum = sum.wrapping_mul(31).wrapping_add(u32::from(*byte));
        }
    }
    println!("{length} {sum}");
    Ok(())
}

/// Sends `length` bytes and drops the connection at once.
fn upload(address: &str, length: usize) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    let bytes: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
    stream.write_all(&bytes)
}

/// Echoes lines of `clients` clients, one after the other.
fn serve(clients: usize) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("{}", listener.local_addr()?.port());
    for _ in 0..clients {
        let (stream, _) = listener.accept()?;
        let mut lines = BufReader::new(&stream);
        let mut line = String::new();
        while lines.read_line(&mut line)? > 0 {
            (&stream).write_all(line.as_bytes())?;
            line.clear();
        }
    }
    Ok(())
}

/// Sends a datagram from an unconnected and one from a connected socket, and prints the answers.
fn datagrams(address: &str) -> io::Result<()> {
    let target: SocketAddr = address.parse().unwrap();
    let any: SocketAddr = if target.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(any)?;
    let mut buffer = [0; 2000];
    socket.send_to(b"one", target)?;
    let (length, from) = socket.recv_from(&mut buffer)?;
    println!("{} {}", String::from_utf8_lossy(&buffer[..length]), from == target);
    socket.connect(target)?;
    socket.send(b"two")?;
    let length = socket.recv(&mut buffer)?;
    println!("{}", String::from_utf8_lossy(&buffer[..length]));
    Ok(())
}

fn resolve(name: &str) -> io::Result<()> {
    for address in (name, 80).to_socket_addrs()? {
        println!("{address}");
    }
    Ok(())
}

/// Sends the standard input and prints what comes back.
fn copy(address: &str) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    for line in io::stdin().lock().lines() {
        writeln!(stream, "{}", line?)?;
        let mut answer = String::new();
        BufReader::new(&stream).read_line(&mut answer)?;
        print!("{answer}");
    }
    Ok(())
}

/// Reads without blocking.
fn read_now(address: &str) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nonblocking(true)?;
    println!("{:?}", stream.read(&mut [0; 10]).map_err(|error| error.kind()));
    Ok(())
}
